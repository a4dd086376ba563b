create table older_accounts (
    merchant_id    text         not null primary key,
    username       text         not null unique,
    hash           {{.Bytes}}   not null,
    key_id         text         not null,
    settings       text         not null,
    webhook_secret {{.Sealed}},
    active         {{.Bool}}    not null,
    made_at        {{.Instant}} not null,
    changed_at     {{.Instant}} not null
) {{.Strict}};

create table older_checks (
    uuid         text         not null,
    merchant_id  text         not null,
    attempt_id   text         not null,
    workflow     {{.Bigint}}  not null,
    buyer_kind   text         not null,
    amount_cents {{.Bigint}}  not null,
    asked_for    {{.Bool}}    not null,
    made_at      {{.Instant}} not null,
    expires_at   {{.Instant}} not null,
    primary key (uuid, merchant_id)
) {{.StrictNoRowid}};

create table older_numbers (
    merchant_id text not null,
    folded      text not null,
    order_id    text not null,
    number      text not null,
    reference   text not null,
    primary key (merchant_id, folded, order_id)
) {{.StrictNoRowid}};

create table older_notes (
    order_id    text not null,
    merchant_id text not null,
    said        {{.Sealed}},
    tracking    text not null,
    primary key (order_id, merchant_id)
) {{.Strict}};
