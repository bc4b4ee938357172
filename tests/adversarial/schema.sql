-- The world of the attacks: made anew before each. Rows follow from world.py; ledger, staff and the rest are filled by fill() below.
drop schema if exists vault cascade;
drop schema if exists attic cascade;
drop schema if exists cellar cascade;
create schema vault;
create schema attic;
set search_path to vault;
create table people (id int primary key, name text not null, email text, phone text, card text, ssn text, salary numeric(9, 2),
  birth_date date, profile jsonb, note text);
create table staff (desk text) inherits (people);
create table ledger (person int, card text) partition by range (person);
create table ledger_low partition of ledger for values from (0) to (100);
create table archive (name text, value text);
create table scratch (n int, label text);
create table attic.people (id int, name text, email text);
insert into scratch select n, 'row ' || n from generate_series(1, 5) n;
create table payout (n int);
create table attic.payout (n int);
create sequence tick;
create type badge as (holder text, card text);
create view contacts as select id, name, email, phone from people;
create view contact_cards as select c.id, c.name, upper(c.email) as shout, p.card from contacts c join people p using (id);
create function email_of(int) returns text language sql stable as 'select email from vault.people where id = $1';
create function ssn_of(who int) returns text language plpgsql as 'begin return (select ssn from vault.people where id = who); end';
create function everyone() returns setof vault.people language sql stable as 'select * from vault.people';
create function ask(q text) returns text language plpgsql as 'declare r text; begin execute q into r; return r; end';
create function run(q text) returns void language plpgsql as 'begin execute q; end';
create function tidy() returns void language plpgsql as 'begin delete from vault.scratch; end';
