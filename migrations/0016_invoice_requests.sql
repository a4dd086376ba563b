create table invoice_requests (
    id          text         not null primary key,
    merchant_id text         not null,
    order_id    text         not null,
    words       {{.Sealed}},
    made_at     {{.Instant}} not null
) {{.StrictNoRowid}};

create index invoice_requests_order on invoice_requests (order_id, merchant_id);
