-- One row, locked by whoever records: so entries are numbered without a gap, in the order in which they are seen.
CREATE TABLE audit_head (
    last bigint NOT NULL
);
INSERT INTO audit_head VALUES (0);

-- What people did; never changed. What filters look at stands beside the deed.
CREATE TABLE audit (
    number bigint PRIMARY KEY,
    at_ms bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    role text NOT NULL,
    reason text NOT NULL,
    reference text COLLATE "C",
    deed jsonb NOT NULL,
    kind text COLLATE "C" NOT NULL,
    stream text COLLATE "C",
    user_id text COLLATE "C",
    comment uuid,
    instead_of bigint,
    undoes bigint
);
CREATE UNIQUE INDEX audit_reference ON audit (actor, reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX audit_undoes ON audit (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX audit_at ON audit (at_ms);
CREATE INDEX audit_actor ON audit (actor, number);
CREATE INDEX audit_kind ON audit (kind, number);
CREATE INDEX audit_stream ON audit (stream, number) WHERE stream IS NOT NULL;
CREATE INDEX audit_user ON audit (user_id, number) WHERE user_id IS NOT NULL;
CREATE INDEX audit_comment ON audit (comment, number) WHERE comment IS NOT NULL;

-- The decision that stands on a comment.
CREATE TABLE decisions (
    stream text COLLATE "C" NOT NULL,
    comment uuid NOT NULL,
    number bigint NOT NULL REFERENCES audit,
    PRIMARY KEY (stream, comment)
);
CREATE INDEX decisions_number ON decisions (number);

-- A user's restrictions as they are now; an empty stream is all of them. One that was lifted stays, so that hosts
-- which follow the versions hear of it.
CREATE TABLE restrictions (
    user_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    until_ms bigint,
    number bigint NOT NULL REFERENCES audit,
    version bigint NOT NULL UNIQUE,
    lifted boolean NOT NULL,
    PRIMARY KEY (user_id, kind, stream)
);
CREATE INDEX restrictions_number ON restrictions (number);
