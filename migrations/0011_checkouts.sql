create table checkouts (
    id          text         not null,
    merchant_id text         not null,
    reference   text         not null,
    state       text         not null,
    token_hash  {{.Bytes}}   not null,
    key_id      text         not null,
    language    text         not null,
    currency    text         not null,
    total_cents {{.Bigint}}  not null,
    draft       {{.Sealed}},
    buyer       {{.Sealed}},
    return_urls {{.Sealed}}  not null,
    straight    {{.Bool}}    not null,
    attempts    {{.Bigint}}  not null,
    attempt_id  text         not null,
    order_id    text         not null,
    made_at     {{.Instant}} not null,
    expires_at  {{.Instant}} not null,
    ended_at    {{.Instant}},
    primary key (id, merchant_id)
) {{.Strict}};

create index checkouts_reference on checkouts (merchant_id, reference, id);
create index checkouts_unfinished on checkouts (expires_at) where ended_at is null;
