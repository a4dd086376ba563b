create table statements (
    id            text         not null primary key,
    iban          text         not null,
    statement_ref text         not null,
    file_hash     {{.Bytes}}   not null,
    sequence      {{.Bigint}}  not null,
    from_on       {{.Date}},
    to_on         {{.Date}},
    opening_cents {{.Bigint}},
    closing_cents {{.Bigint}},
    lines         {{.Bigint}}  not null,
    complete      {{.Bool}}    not null,
    imported_at   {{.Instant}} not null,
    unique (iban, statement_ref, file_hash)
) {{.Strict}};

create table bank_lines (
    id           text         not null primary key,
    line_hash    {{.Bytes}}   not null,
    iban         text         not null,
    statement_id text         not null,
    booked_on    {{.Date}}    not null,
    value_on     {{.Date}},
    cents        {{.Bigint}}  not null,
    left_cents   {{.Bigint}}  not null,
    currency     text         not null,
    kind         text         not null,
    reference    text         not null,
    payer        {{.Sealed}},
    imported_at  {{.Instant}} not null
) {{.Strict}};

create unique index bank_lines_hash on bank_lines (line_hash);
create index bank_lines_left on bank_lines (id) where left_cents <> 0;

create table allocations (
    id           text         not null,
    merchant_id  text         not null,
    bank_line_id text         not null,
    order_id     text         not null,
    invoice_id   text         not null,
    to_account   text         not null,
    cents        {{.Bigint}}  not null,
    confidence   text         not null,
    made_by      text         not null,
    made_at      {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.Strict}};

create index allocations_line on allocations (bank_line_id, merchant_id);
create index allocations_order on allocations (order_id, merchant_id);
