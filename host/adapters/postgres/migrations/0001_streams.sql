-- Ids are compared byte by byte, as everywhere in Ringside, whatever the database's locale.
CREATE TABLE streams (
    id text COLLATE "C" PRIMARY KEY,
    title text NOT NULL,
    settings jsonb NOT NULL,
    version bigint NOT NULL,
    created_at_ms bigint NOT NULL
);
