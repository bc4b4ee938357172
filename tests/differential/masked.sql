-- Turns the copy into what an analyst may see: the same masks, written anew by hand. {key} is the hash key.
create function hex(raw text) returns text language sql immutable as $$ select encode(sha256(convert_to('{key}' || raw, 'UTF8')), 'hex') $$;
create function half(raw text, keep int) returns text language sql immutable
  as $$ select lpad(right(raw, least(keep, length(raw) / 2)), length(raw), '*') $$;

update customers set email = substr(hex(email), 1, 32), phone = half(phone, 4), ssn = substr('[redacted]', 1, 11),
  born = born - (born - date '1900-01-01'), credit = ('x00' || substr(hex(credit::text), 1, 6))::bit(32)::int,
  tags = tags[1:0], profile = case when profile is not null then to_jsonb('[redacted]'::text) end, note = null;
update orders set account = ('x0' || substr(hex(account::text), 1, 15))::bit(64)::int8;
update payments set card = half(card, 6), amount = null;
update people set name = half(name, 2);
update staff set salary = salary * 0, skills = null;
update accounts set kind = null, mail = substr(hex(mail::text), 1, 32), uid = substr(hex(uid::text), 1, 32)::uuid,
  blob = substr(blob, 1, 0), seen = timestamptz '1900-01-01 00:00+00' where seen is not null;
update accounts set locked = false, spell = interval '0', small = ('x0' || substr(hex(small::text), 1, 3))::bit(16)::int,
  code = substr(hex(code::text), 1, 8), price = '0', raw = to_json('[redacted]'::text),
  medium = ('x0' || substr(hex(medium::text), 1, 7))::bit(32)::int,
  doc = case when jsonb_typeof(doc) <> 'object' then '"[redacted]"' when not doc ? 'contact' then doc
    when jsonb_typeof(doc -> 'contact') <> 'object' then doc || '{"contact": "[redacted]"}'
    when doc -> 'contact' ? 'email' then doc || jsonb_build_object('contact', (doc -> 'contact') || '{"email": "[redacted]"}') else doc end;
update "Odd Table" set "select" = substr(hex("select"), 1, 32), "a b" = ('x0' || substr(hex("a b"::text), 1, 15))::bit(64)::int8,
  "say ""hi""" = '[redacted]' where true;
update other.orders set secret = substr(hex(secret), 1, 32);
refresh materialized view mails;
drop function hex(text), half(text, int);
