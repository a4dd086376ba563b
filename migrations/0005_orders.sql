create table orders (
    id                text         not null,
    merchant_id       text         not null,
    reference         text         not null,
    attempt_id        text         not null,
    person_id         text         not null,
    state             text         not null,
    buyer_kind        text         not null,
    country           text         not null,
    language          text         not null,
    currency          text         not null,
    prices            text         not null,
    total_cents       {{.Bigint}}  not null,
    payment_reference text         not null,
    payment_number    {{.Bigint}}  not null,
    contract_id       text         not null,
    scope             text         not null,
    terms_version     text         not null,
    accepted_text     text         not null,
    accepted_at       {{.Instant}},
    placed_on         {{.Date}}    not null,
    placed_at         {{.Instant}} not null,
    moved_at          {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.StrictNoRowid}};

create unique index orders_reference on orders (merchant_id, reference);
create unique index orders_payment_number on orders (payment_number, merchant_id);

create table order_lines (
    order_id         text        not null,
    merchant_id      text        not null,
    line_no          {{.Bigint}} not null,
    reference        text        not null,
    kind             text        not null,
    description      text        not null,
    quantity         text        not null,
    unit_price_cents {{.Bigint}} not null,
    vat_percent      text        not null,
    total_cents      {{.Bigint}} not null,
    return_mark      text        not null,
    primary key (order_id, merchant_id, line_no)
) {{.StrictNoRowid}};

create table order_remarks (
    order_id    text       not null,
    merchant_id text       not null,
    said        {{.Sealed}} not null,
    copy_to     {{.Sealed}},
    primary key (order_id, merchant_id)
) {{.StrictNoRowid}};

create table payment_references (
    kind text        not null primary key,
    next {{.Bigint}} not null
) {{.Strict}};

create table invoices (
    id                text         not null,
    merchant_id       text         not null,
    order_id          text         not null,
    status            text         not null,
    series            text         not null,
    number            text,
    currency          text         not null,
    total_cents       {{.Bigint}}  not null,
    open_cents        {{.Bigint}}  not null,
    paid_cents        {{.Bigint}}  not null,
    credited_cents    {{.Bigint}}  not null,
    written_off_cents {{.Bigint}}  not null,
    held_cents        {{.Bigint}}  not null,
    overdue           {{.Bool}}    not null,
    send_on           {{.Date}},
    issued_on         {{.Date}},
    due_on            {{.Date}},
    made_at           {{.Instant}} not null,
    moved_at          {{.Instant}} not null,
    primary key (order_id, merchant_id)
) {{.StrictNoRowid}};

create unique index invoices_id on invoices (id, merchant_id);
create unique index invoices_number on invoices (number, merchant_id) where number is not null;

create table series (
    id          text        not null,
    merchant_id text        not null,
    last        {{.Bigint}} not null,
    primary key (id, merchant_id)
) {{.StrictNoRowid}};

create table holds (
    id           text         not null,
    merchant_id  text         not null,
    invoice_id   text         not null,
    kind         text         not null,
    stops        text         not null,
    amount_cents {{.Bigint}}  not null,
    from_at      {{.Instant}} not null,
    until_at     {{.Instant}},
    set_by       text         not null,
    reason       text         not null,
    lifted_at    {{.Instant}},
    lifted_by    text         not null,
    primary key (id, merchant_id)
) {{.Strict}};

create index holds_invoice on holds (invoice_id, merchant_id);

create table credits (
    id           text         not null,
    merchant_id  text         not null,
    invoice_id   text         not null,
    number       text,
    reason       text         not null,
    amount_cents {{.Bigint}}  not null,
    made_on      {{.Date}}    not null,
    made_at      {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.Strict}};

create index credits_invoice on credits (invoice_id, merchant_id);
create unique index credits_number on credits (number, merchant_id) where number is not null;

create table credit_lines (
    credit_id    text        not null,
    merchant_id  text        not null,
    n            {{.Bigint}} not null,
    line_no      {{.Bigint}} not null,
    quantity     text        not null,
    vat_percent  text        not null,
    amount_cents {{.Bigint}} not null,
    vat_cents    {{.Bigint}} not null,
    primary key (credit_id, merchant_id, n)
) {{.StrictNoRowid}};
