CREATE TABLE bans (
    user_id text COLLATE "C" PRIMARY KEY,
    until_ms bigint,
    reason text NOT NULL,
    decided_by text COLLATE "C" NOT NULL
);
