create table signins (
    id           text         not null primary key,
    handle_hash  {{.Bytes}}   not null,
    token_hash   {{.Bytes}}   not null,
    browser_hash {{.Bytes}}   not null,
    code_hash    {{.Bytes}}   not null,
    key_id       text         not null,
    tries        {{.Bigint}}  not null,
    letter       {{.Sealed}},
    made_at      {{.Instant}} not null,
    expires_at   {{.Instant}} not null,
    used_at      {{.Instant}}
) {{.StrictNoRowid}};

create index signins_handle on signins (handle_hash);
create index signins_expires on signins (expires_at);

create table sessions (
    hash       {{.Bytes}}   not null primary key,
    id         text         not null,
    device     {{.Sealed}},
    made_at    {{.Instant}} not null,
    seen_at    {{.Instant}} not null,
    expires_at {{.Instant}} not null,
    revoked_at {{.Instant}}
) {{.StrictNoRowid}};

create unique index sessions_id on sessions (id);
create index sessions_expires on sessions (expires_at);

create table session_handles (
    session_hash {{.Bytes}} not null,
    kind         text       not null,
    hash         {{.Bytes}} not null,
    primary key (session_hash, kind, hash)
) {{.StrictNoRowid}};

create index session_handles_handle on session_handles (kind, hash);

create table knocks (
    window_at {{.Instant}} not null,
    what      text         not null,
    hash      {{.Bytes}}   not null,
    n         {{.Bigint}}  not null,
    primary key (window_at, what, hash)
) {{.StrictNoRowid}};

create table pay_links (
    invoice_id  text         not null,
    merchant_id text         not null,
    version     {{.Bigint}}  not null,
    changed_at  {{.Instant}} not null,
    primary key (invoice_id, merchant_id)
) {{.StrictNoRowid}};
