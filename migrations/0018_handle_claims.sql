-- While a key file holds several master keys, two nodes may hash the handle of one new buyer under different ones. Each
-- claims it first, under the one of the keys that all of them choose, and so waits for the other. No row
-- outlives its transaction.
create table handle_claims (
    kind    text         not null,
    hash    {{.Bytes}}   not null,
    primary key (kind, hash)
) {{.StrictNoRowid}};
