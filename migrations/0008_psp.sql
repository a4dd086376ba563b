create table psp_payments (
    id           text         not null,
    merchant_id  text         not null,
    invoice_id   text         not null,
    order_id     text         not null,
    provider     text         not null,
    provider_id  text,
    state        text         not null,
    currency     text         not null,
    amount_cents {{.Bigint}}  not null,
    paid_cents   {{.Bigint}}  not null,
    checkout_url text         not null,
    return_url   {{.Sealed}}  not null,
    settled_by   text         not null,
    made_at      {{.Instant}} not null,
    moved_at     {{.Instant}} not null,
    expires_at   {{.Instant}},
    primary key (id, merchant_id)
) {{.Strict}};

create unique index psp_payments_live on psp_payments (invoice_id, merchant_id, amount_cents) where state in ('asked', 'open');
create unique index psp_payments_provider on psp_payments (provider_id, provider, merchant_id) where provider_id is not null;
create index psp_payments_invoice on psp_payments (invoice_id, merchant_id, id);
create index psp_payments_unsettled on psp_payments (id) where state = 'paid' and settled_by = '';

create table psp_settlements (
    id           text         not null primary key,
    provider     text         not null,
    provider_id  text         not null,
    reference    text         not null,
    state        text         not null,
    currency     text         not null,
    gross_cents  {{.Bigint}}  not null,
    fee_cents    {{.Bigint}}  not null,
    net_cents    {{.Bigint}}  not null,
    bank_line_id text         not null,
    found_at     {{.Instant}} not null,
    booked_at    {{.Instant}},
    unique (provider, provider_id)
) {{.Strict}};
