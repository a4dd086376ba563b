create table documents (
    id          text         not null,
    merchant_id text         not null,
    kind        text         not null,
    person_id   text         not null,
    language    text         not null,
    template    {{.Bigint}}  not null,
    facts       {{.Sealed}}  not null,
    html_hash   {{.Bytes}},
    pdf_hash    {{.Bytes}},
    made_at     {{.Instant}} not null,
    primary key (id, merchant_id)
) {{.Strict}};
