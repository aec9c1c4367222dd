-- Three roles for one database: who makes the tables, who works with them, who looks at them. None is a superuser.
-- Run it as the owner of the database, after "orderwright migrate up" (which runs as orderwright_owner):
--   psql -v ON_ERROR_STOP=1 -f database-roles.sql orderwright
-- The roles themselves are made once, by whoever may (passwords are yours):
--   create role orderwright_owner login password '…';
--   create role orderwright_run login password '…';
--   create role orderwright_read login password '…';

revoke create on schema public from public;
grant usage on schema public to orderwright_run, orderwright_read;

-- "orderwright serve". It makes rows and changes them; it deletes workers that are gone and secrets that are due.
grant select, insert, update on all tables in schema public to orderwright_run;
grant delete on worker, sealed_secret to orderwright_run;
-- What was done stays written down, whatever the workers do.
revoke update on audit from orderwright_run;
alter default privileges for role orderwright_owner in schema public
  grant select, insert, update on tables to orderwright_run;

-- Reports and people. Sealed columns stay sealed: their keys are not in the database. Hashes of tokens are left out.
grant select on all tables in schema public to orderwright_read;
revoke select on api_token from orderwright_read;
alter default privileges for role orderwright_owner in schema public grant select on tables to orderwright_read;
