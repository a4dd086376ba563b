create table shop_receipts (
    id          text         not null,
    merchant_id text         not null,
    order_id    text         not null,
    invoice_id  text         not null,
    currency    text         not null,
    cents       {{.Bigint}}  not null,
    paid_on     {{.Date}}    not null,
    description {{.Sealed}},
    made_by     text         not null,
    made_at     {{.Instant}} not null,
    reversed_at {{.Instant}},
    reversed_by text         not null,
    primary key (id, merchant_id)
) {{.Strict}};

create index shop_receipts_order on shop_receipts (order_id, merchant_id);

create table shop_texts (
    id          text         not null,
    merchant_id text         not null,
    order_id    text         not null,
    person_id   text         not null,
    words       {{.Sealed}}  not null,
    made_by     text         not null,
    made_at     {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.Strict}};

create index shop_texts_order on shop_texts (order_id, merchant_id);
