create table clock (
    id        {{.Bigint}} not null primary key,
    offset_us {{.Bigint}} not null
) {{.Strict}};

create table clock_floor (
    id        {{.Bigint}} not null primary key,
    latest_us {{.Bigint}} not null
) {{.Strict}};

insert into clock_floor (id, latest_us) values (1, 0);

create table outcomes (
    slot   text        not null,
    turn   {{.Bigint}} not null,
    fenced {{.Bool}}   not null,
    primary key (slot, turn)
) {{.StrictNoRowid}};

create table versions (
    what text        not null primary key,
    n    {{.Bigint}} not null
) {{.Strict}};

create table facts (
    name  text not null primary key,
    value text not null
) {{.Strict}};

create table due (
    due_at      {{.Instant}} not null,
    id          text         not null,
    kind        text         not null,
    merchant_id text         not null,
    subject     text         not null,
    attempts    {{.Bigint}}  not null,
    retry_at    {{.Instant}},
    primary key (due_at, id)
) {{.StrictNoRowid}};

create table due_failed (
    id          text         not null primary key,
    kind        text         not null,
    merchant_id text         not null,
    subject     text         not null,
    due_at      {{.Instant}} not null,
    failed_at   {{.Instant}} not null,
    attempts    {{.Bigint}}  not null,
    reason      text         not null
) {{.Strict}};

create table leases (
    name   text         not null primary key,
    holder text         not null,
    until  {{.Instant}} not null
) {{.Strict}};

create table events (
    id          text         not null,
    merchant_id text         not null,
    kind        text         not null,
    subject     text         not null,
    at          {{.Instant}} not null,
    data        text         not null,
    primary key (id, merchant_id)
) {{.StrictNoRowid}};
