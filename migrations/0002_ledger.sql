create table commits (
    writer       text         not null,
    seq          {{.Bigint}}  not null,
    entries      {{.Bigint}}  not null,
    digest       {{.Bytes}}   not null,
    committed_at {{.Instant}} not null,
    primary key (writer, seq)
) {{.StrictNoRowid}};

create table entries (
    writer      text         not null,
    seq         {{.Bigint}}  not null,
    n           {{.Bigint}}  not null,
    merchant_id text         not null,
    key         text         not null,
    kind        text         not null,
    posted_at   {{.Instant}} not null,
    currency    text         not null,
    primary key (writer, seq, n, merchant_id)
) {{.StrictNoRowid}};

create unique index entries_key on entries (key, merchant_id);

create table postings (
    writer      text        not null,
    seq         {{.Bigint}} not null,
    n           {{.Bigint}} not null,
    leg         {{.Bigint}} not null,
    merchant_id text        not null,
    code        text        not null,
    subject     text        not null,
    cents       {{.Bigint}} not null,
    primary key (writer, seq, n, leg, merchant_id)
) {{.StrictNoRowid}};

create table seals (
    first_place {{.Bigint}} not null primary key,
    writer      text        not null,
    seq         {{.Bigint}} not null,
    entries     {{.Bigint}} not null,
    unique (writer, seq)
) {{.Strict}};

create table log_tiles (
    level {{.Bigint}} not null,
    n     {{.Bigint}} not null,
    width {{.Bigint}} not null,
    data  {{.Bytes}}  not null,
    primary key (level, n)
) {{.StrictNoRowid}};

create table checkpoints (
    size      {{.Bigint}}  not null primary key,
    note      text         not null,
    sealed_at {{.Instant}} not null
) {{.Strict}};

create table balances (
    code        text        not null,
    merchant_id text        not null,
    subject     text        not null,
    currency    text        not null,
    cents       {{.Bigint}} not null,
    entries     {{.Bigint}} not null,
    place       {{.Bigint}} not null,
    primary key (code, merchant_id, subject, currency)
) {{.StrictNoRowid}};
