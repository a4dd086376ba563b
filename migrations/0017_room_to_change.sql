-- An order, an invoice and a handle change soon after they were written. PostgreSQL writes the changed row anew: on the
-- same page, where that has room, and then no index is touched. (The issue of an invoice gives it a number, which is in
-- one.) SQLite changes rows in place.
{{if .Postgres}}
alter table orders   set (fillfactor = 50);
alter table invoices set (fillfactor = 50);
alter table handles  set (fillfactor = 70);
{{else}}
select 1;
{{end}}
