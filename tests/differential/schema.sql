-- The tables of the random queries. Small, full of NULLs, equal values and odd names; masks are in world.py and masked.sql.
create type level as enum ('low', 'middle', 'high');
create domain mail as text check (value like '%@%' or length(value) = 32);
create function text_of(n int, salt text) returns text language sql immutable as $$ select left(md5(n || salt), 3 + n % 9) $$;

create table regions (id int primary key, name text, parent int, budget numeric(10,2));
insert into regions select n, 'region ' || n, nullif(n / 2, 0), n * 100.25 from generate_series(1, 12) n;

create table customers (id int primary key, name text, email text, phone varchar(20), ssn varchar(11), born date, credit numeric(10,2),
  tags text[], profile jsonb, note text, region_id int, referrer int, vip boolean, joined date);
insert into customers select n, 'Name ' || n % 17, nullif('mail' || n % 20 || '@raw.example', 'mail3@raw.example'),
  case when n % 5 > 0 then '+43 1 ' || 1000 + n * 37 end, '123-45-' || 6000 + n, date '1970-01-01' + n * 211 % 9000,
  case when n % 7 > 0 then n % 9 * 10.5 end, case n % 4 when 0 then null when 1 then '{}' else array['t' || n % 5, 'u' || n % 3] end,
  case n % 4 when 0 then null else jsonb_build_object('k', n % 3, 'city', 'Town ' || n % 6, 'list', jsonb_build_array(n % 2, 'x')) end,
  case when n % 3 = 0 then 'note of ' || n end, 1 + n % 12, nullif(n / 3, 0), n % 3 = 0, date '2020-01-01' + n % 50
  from generate_series(1, 36) n;

create table orders (id int primary key, customer_id int, amount numeric(10,2), placed date, status text, items jsonb, account int8);
insert into orders select n, nullif(1 + n * 7 % 40, 9), n * 13 % 50 + 0.5, date '2024-01-01' + n % 40, (array['open', 'paid', 'sent'])[1 + n % 3],
  case when n % 6 > 0 then jsonb_build_array(jsonb_build_object('sku', 'S' || n % 8, 'k', n % 4), n) end,
  case when n % 8 > 0 then 40000000000 + n % 11 end from generate_series(1, 50) n;

create table payments (id int, order_id int, paid date not null, card text, amount numeric(10,2)) partition by range (paid);
create table payments_2023 partition of payments for values from ('2023-01-01') to ('2024-01-01');
create table payments_2024 partition of payments for values from ('2024-01-01') to ('2025-01-01');
insert into payments select n, n % 50, date '2023-12-01' + n * 3 % 70, case when n % 9 > 0 then '4111-' || 1000 + n end, n * 2.5
  from generate_series(1, 40) n;

create table people (id int primary key, name text, rank int);
create table staff (salary int8, skills int[], boss int) inherits (people);
insert into people select n, 'Person ' || n % 6, n % 4 from generate_series(1, 9) n;
insert into staff select n, 'Staff ' || n % 6, n % 4, 3000 + n % 3, array[n, n % 2], nullif(n - 20, 0) from generate_series(20, 32) n;

create table accounts (id int primary key, kind level, mail mail, uid uuid, blob bytea, seen timestamptz, locked bool, spell interval,
  small int2, code char(8), price money, raw json, doc jsonb, width int generated always as (length(plain::text)) stored, plain mail, medium int4);
insert into accounts (id, kind, mail, uid, blob, seen, locked, spell, small, code, price, raw, doc, plain, medium) select n, (enum_range(null::level))[1 + n % 3], nullif('mail' || n % 20 || '@raw.example', 'mail5@raw.example'),
  md5(n % 7 || '')::uuid, decode(md5(n || ''), 'hex'), timestamptz '2024-05-01 12:00+00' + n * interval '1 hour', n % 2 = 0, n * interval '1 day',
  n % 5, left(text_of(n, 'c'), 3 + n % 6), (n % 9)::text::money, json_build_object('n', n),
  case n % 6 when 0 then null when 1 then '[1]' when 2 then '{"a": 1}' when 3 then '{"contact": [1, 2], "a": 2}'
  else jsonb_build_object('a', n % 3, 'contact', jsonb_build_object('email', 'm' || n, 'name', 'N' || n % 4)) end,
  'plain' || n || '@x', n % 13 from generate_series(1, 24) n;

create table products (id int primary key, sku text, price numeric(8,2), attrs jsonb, labels text[], added date, ean int8);
insert into products select n, 'S' || n % 8, n * 3.75, jsonb_build_object('k', n % 4, 'city', 'Town ' || n % 6),
  array['t' || n % 5, 'l' || n % 2], date '2024-01-01' + n % 9, 40000000000 + n % 11 from generate_series(1, 20) n;

create table "Odd Table" ("Id" int primary key, "select" text, "a b" int8, "ü" text, "say ""hi""" text);
insert into "Odd Table" select n, text_of(n, 's'), n * 1000, text_of(n % 5, 'u'), text_of(n % 4, 'q') from generate_series(1, 15) n;

create schema other;
create table other.orders (id int primary key, customer_id int, secret text, account int8);
insert into other.orders select n, n % 9, text_of(n, 'o'), n % 5 from generate_series(1, 14) n;
create table other.regions (id int primary key, title text);
insert into other.regions select n, 'title ' || n % 3 from generate_series(1, 8) n;

create view customer_mail as select id, email, region_id from customers;
create view vip as select c.id, c.name, c.phone, r.name as region, c.credit from customers c join regions r on r.id = c.region_id where c.vip;
create view vip_mail(vid, mail, region) as select v.id, m.email, v.region from vip v left join customer_mail m using (id);
create view order_totals as
  select customer_id, count(*) as n, sum(amount) as total, max(account) as account from orders group by customer_id having count(*) > 0;
create view everybody as select id, name from people union all select id, email from customers union select "Id", "select" from "Odd Table";
create view ranked with (security_barrier) as
  with s as (select id, salary, name from staff) select s.*, rank() over (partition by name order by id) as place from s;
create view newest as select distinct on (customer_id) customer_id, id, account, placed from orders order by customer_id, placed desc, id;
create view tagged as select c.id, t.tag, t.n::int as n, c.tags[1] as first from customers c, unnest(c.tags) with ordinality t(tag, n);
create view documents as select id, doc, doc -> 'contact' as contact, (doc ->> 'a') as a, mail from accounts where kind is not null or kind is null;
create view whole as select c.id, to_jsonb(c) as everything, c.profile ->> 'city' as city from customers c;
create view cheap as select id, sku, price from products where price < 40;
create view paid as select p.id, p.card, p.paid, exists (select from orders o where o.id = p.order_id) as known from only payments_2024 p;
create function mails_of(region int) returns table (id int, address text) language sql stable
  as $$ select c.id, c.email from customers c where c.region_id = region $$;
create function people_of(r int) returns setof people language sql stable as $$ select * from people where rank = r $$;
create materialized view mails as select id, email, phone, credit from customers;
