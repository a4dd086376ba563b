create table merchants (
    id                  text         not null primary key,
    slug                text         not null unique,
    name                text         not null,
    legal_name          text         not null,
    country             text         not null,
    street              text         not null,
    house_number        text         not null,
    postcode            text         not null,
    city                text         not null,
    registration_number text         not null,
    vat_id              text         not null,
    iban                text         not null,
    language            text         not null,
    invoice_prefix      text         not null unique,
    large               {{.Bool}}    not null,
    marketplace         {{.Bool}}    not null,
    state               text         not null,
    created_at          {{.Instant}} not null,
    moved_at            {{.Instant}} not null
) {{.Strict}};

create table merchant_contacts (
    merchant_id text not null,
    kind        text not null,
    value       text not null,
    primary key (merchant_id, kind, value),
    foreign key (merchant_id) references merchants (id)
) {{.StrictNoRowid}};

create table contracts (
    id                   text        not null,
    merchant_id          text        not null,
    valid_from           {{.Date}}   not null,
    model                text        not null,
    fee_basis_points     {{.Bigint}} not null,
    fee_fixed_cents      {{.Bigint}} not null,
    start_by             text        not null,
    send_after_days      {{.Bigint}} not null,
    lapse_after_days     {{.Bigint}} not null,
    due_days             {{.Bigint}} not null,
    transit_days         {{.Bigint}} not null,
    consumer_limit_cents {{.Bigint}} not null,
    workflow             {{.Bigint}} not null,
    order_limit_cents    {{.Bigint}} not null,
    unchecked            {{.Bool}}   not null,
    primary key (id, merchant_id),
    unique (merchant_id, workflow, valid_from),
    foreign key (merchant_id) references merchants (id)
) {{.StrictNoRowid}};

create table terms (
    merchant_id text         not null,
    version     text         not null,
    valid_from  {{.Date}}    not null,
    url         text         not null,
    text        text         not null,
    added_at    {{.Instant}} not null,
    primary key (merchant_id, version),
    foreign key (merchant_id) references merchants (id)
) {{.Strict}};

create table api_keys (
    id          text         not null,
    merchant_id text         not null,
    mode        text         not null,
    hash        {{.Bytes}}   not null,
    key_id      text         not null,
    scopes      text         not null,
    created_at  {{.Instant}} not null,
    expires_at  {{.Instant}},
    revoked_at  {{.Instant}},
    primary key (id, merchant_id),
    foreign key (merchant_id) references merchants (id)
) {{.StrictNoRowid}};

create table idempotency (
    merchant_id text         not null,
    key_hash    {{.Bytes}}   not null,
    route       text         not null,
    body_hash   {{.Bytes}}   not null,
    status      {{.Bigint}}  not null,
    answer      {{.Sealed}}  not null,
    made_at     {{.Instant}} not null,
    primary key (merchant_id, key_hash)
) {{.Strict}};

create table audit (
    id          text         not null,
    merchant_id text         not null,
    actor       text         not null,
    act         text         not null,
    subject     text         not null,
    reason      text         not null,
    at          {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.StrictNoRowid}};
