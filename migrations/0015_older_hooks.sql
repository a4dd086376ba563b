create table older_hooks (
    id          text         not null,
    merchant_id text         not null,
    event_id    text         not null,
    event       text         not null,
    kind        text         not null,
    subject     text         not null,
    body        text         not null,
    state       text         not null,
    attempts    {{.Bigint}}  not null,
    outcome     text         not null,
    made_at     {{.Instant}} not null,
    ended_at    {{.Instant}},
    primary key (id, merchant_id)
) {{.Strict}};

create unique index older_hooks_event on older_hooks (event_id, event, merchant_id);
create index older_hooks_waiting on older_hooks (subject, merchant_id, id) where state = 'waiting';
create index older_hooks_ended on older_hooks (ended_at) where ended_at is not null;

create table older_followed (
    name     text not null primary key,
    event_id text not null
) {{.Strict}};
