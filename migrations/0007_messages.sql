create table messages (
    id          text         not null,
    merchant_id text         not null,
    subject     text         not null,
    code        text         not null,
    version     {{.Bigint}}  not null,
    purpose     text         not null,
    template    {{.Bigint}}  not null,
    language    text         not null,
    order_id    text         not null,
    person_id   text         not null,
    handle      {{.Bytes}}   not null,
    key_id      text         not null,
    check_hash  {{.Bytes}},
    recipient   {{.Sealed}}  not null,
    content     {{.Sealed}}  not null,
    state       text         not null,
    attempts    {{.Bigint}}  not null,
    outcome     text         not null,
    answer      {{.Sealed}},
    made_at     {{.Instant}} not null,
    next_at     {{.Instant}},
    sent_at     {{.Instant}},
    expires_at  {{.Instant}},
    primary key (id, merchant_id),
    unique (subject, code, version, merchant_id)
) {{.Strict}};

create index messages_order on messages (order_id, merchant_id);
create index messages_check on messages (check_hash) where check_hash is not null;
create index messages_waiting on messages (id) where state = 'waiting';
