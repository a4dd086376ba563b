create table handles (
    kind        text         not null,
    hash        {{.Bytes}}   not null,
    key_id      text         not null,
    person_id   text         not null,
    open_cents  {{.Bigint}}  not null,
    orders      {{.Bigint}}  not null,
    overdue     {{.Bigint}}  not null,
    recent_day  {{.Bigint}}  not null,
    recent      {{.Bigint}}  not null,
    first_at    {{.Instant}} not null,
    primary key (kind, hash)
) {{.StrictNoRowid}};

create table persons (
    id         text         not null primary key,
    master_id  text         not null,
    profile    {{.Bytes}},
    fiscal     {{.Bytes}},
    claim      {{.Bytes}},
    created_at {{.Instant}} not null
) {{.Strict}};

create table unions (
    id         text         not null primary key,
    person_id  text         not null,
    other_id   text         not null,
    because    text         not null,
    made_at    {{.Instant}} not null,
    undone_at  {{.Instant}}
) {{.Strict}};

-- email_hash is that of the latest version of the order's identity: whoever proves the address sees the order.
create table person_orders (
    person_id   text not null,
    order_id    text not null,
    merchant_id text not null,
    email_hash  {{.Bytes}} not null,
    primary key (person_id, order_id, merchant_id)
) {{.StrictNoRowid}};

create table identities (
    id          text         not null,
    merchant_id text         not null,
    version     {{.Bigint}}  not null,
    person_id   text         not null,
    email_hash  {{.Bytes}},
    phone_hash  {{.Bytes}},
    who_hash    {{.Bytes}},
    profile     {{.Sealed}},
    fiscal      {{.Sealed}},
    claim       {{.Sealed}},
    changed_by  text         not null,
    reason      text         not null,
    made_at     {{.Instant}} not null,
    primary key (id, merchant_id, version)
) {{.Strict}};

create table blocks (
    kind    text         not null,
    hash    {{.Bytes}}   not null,
    key_id  text         not null,
    reason  text         not null,
    set_by  text         not null,
    set_at  {{.Instant}} not null,
    primary key (kind, hash)
) {{.StrictNoRowid}};

create table decisions (
    id          text         not null,
    merchant_id text         not null,
    person_id   text         not null,
    class       text         not null,
    policy      text         not null,
    reasons     text         not null,
    hits        text         not null,
    facts       {{.Sealed}}  not null,
    took_us     {{.Bigint}}  not null,
    decided_at  {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.Strict}};
