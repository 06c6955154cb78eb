-- One database of many repositories. Moments are RFC 3339 in UTC with three fractional digits, so that text order is
-- time order; mappings and lists are JSON; commits and blobs are hexadecimal ids.

-- One branch of one namespace: how far SQL has agreed with git, and who works on it.
CREATE TABLE repository (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace          TEXT NOT NULL,
    branch             TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    root               TEXT,
    cursor_commit      TEXT,
    cursor_fingerprint TEXT,
    config_yaml        TEXT,
    config_schemas     TEXT,
    unique_fields      TEXT,
    fence              INTEGER NOT NULL DEFAULT 0,
    lease_owner        TEXT,
    lease_until        TEXT,
    pause              TEXT,
    held               TEXT,
    UNIQUE (namespace, branch)
) STRICT;

-- One row an identity, for ever: its number stays when kind or id change, and its revision never goes back.
CREATE TABLE knowledge (
    uid        INTEGER PRIMARY KEY AUTOINCREMENT,
    repository INTEGER NOT NULL REFERENCES repository (id),
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    stamp      INTEGER NOT NULL,
    private    TEXT,
    UNIQUE (repository, kind, id)
) STRICT;
CREATE INDEX knowledge_with_private ON knowledge (repository, kind) WHERE private IS NOT NULL;

-- The live version: what git holds at the cursor. The bytes of the file are head followed by body.
CREATE TABLE entity (
    uid          INTEGER PRIMARY KEY REFERENCES knowledge (uid),
    repository   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    id           TEXT NOT NULL,
    slug         TEXT NOT NULL,
    title        TEXT NOT NULL,
    status       TEXT,
    path         TEXT NOT NULL,
    entry        TEXT,
    location_key TEXT NOT NULL,
    blob         TEXT NOT NULL,
    commit_id    TEXT NOT NULL,
    explicit_id  INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    synced_at    TEXT NOT NULL,
    fields       TEXT NOT NULL,
    head         TEXT NOT NULL,
    body         TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entity_location ON entity (repository, location_key);
CREATE INDEX entity_path ON entity (repository, path, entry);
CREATE INDEX entity_slug ON entity (repository, kind, slug, id);
CREATE INDEX entity_title ON entity (repository, title, kind, id);
CREATE INDEX entity_kind_title ON entity (repository, kind, title, id);
CREATE INDEX entity_synced ON entity (repository, synced_at, kind, id);
CREATE INDEX entity_kind_synced ON entity (repository, kind, synced_at, id);

-- Ours: what was saved and is not in git yet. The base is the version of git that it was made from.
CREATE TABLE change (
    uid          INTEGER PRIMARY KEY REFERENCES knowledge (uid),
    repository   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    id           TEXT NOT NULL,
    action       TEXT NOT NULL,
    state        TEXT NOT NULL,
    dead         INTEGER NOT NULL,
    placed       INTEGER NOT NULL,
    slug         TEXT NOT NULL,
    title        TEXT NOT NULL,
    status       TEXT,
    path         TEXT NOT NULL,
    entry        TEXT,
    location_key TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    author_name  TEXT NOT NULL,
    author_email TEXT NOT NULL,
    co_authors   TEXT NOT NULL,
    message      TEXT,
    operations   TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    due_at       TEXT NOT NULL,
    last_error   TEXT,
    base_blob    TEXT,
    base_slug    TEXT,
    base_title   TEXT,
    base_status  TEXT,
    base_path    TEXT,
    base_entry   TEXT,
    fields       TEXT NOT NULL,
    head         TEXT NOT NULL,
    body         TEXT NOT NULL,
    base_fields  TEXT,
    base_head    TEXT,
    base_body    TEXT
) STRICT;
CREATE UNIQUE INDEX change_location ON change (repository, location_key) WHERE placed = 1;
CREATE INDEX change_waiting ON change (repository, state, dead, updated_at, uid);
CREATE INDEX change_slug ON change (repository, kind, slug, id);
CREATE INDEX change_title ON change (repository, title, kind, id);
CREATE INDEX change_updated ON change (repository, updated_at, kind, id);

-- Values that no two entities of a kind share, by who has them and in which of its parts.
CREATE TABLE unique_value (
    repository INTEGER NOT NULL REFERENCES repository (id),
    kind       TEXT NOT NULL,
    field      TEXT NOT NULL,
    value      TEXT NOT NULL,
    side       TEXT NOT NULL,
    uid        INTEGER NOT NULL REFERENCES knowledge (uid),
    PRIMARY KEY (repository, kind, field, value, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX unique_value_holder ON unique_value (uid, side);

-- What a change in the state `conflict` is about.
CREATE TABLE conflict (
    uid          INTEGER PRIMARY KEY REFERENCES change (uid) ON DELETE CASCADE,
    reason       TEXT NOT NULL,
    fields       TEXT NOT NULL,
    body         INTEGER NOT NULL,
    commit_id    TEXT NOT NULL,
    author_name  TEXT,
    author_email TEXT,
    since        TEXT NOT NULL
) STRICT;

-- The bytes of revisions that a form may have been made from.
CREATE TABLE revision (
    uid        INTEGER NOT NULL REFERENCES knowledge (uid),
    revision   INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    private    TEXT,
    slug       TEXT NOT NULL,
    title      TEXT NOT NULL,
    status     TEXT,
    path       TEXT NOT NULL,
    entry      TEXT,
    fields     TEXT NOT NULL,
    head       TEXT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (uid, revision)
) STRICT;
CREATE INDEX revision_age ON revision (created_at, uid, revision);

-- What external sources said last about an entity: the base of their next refresh.
CREATE TABLE source (
    uid        INTEGER NOT NULL REFERENCES knowledge (uid),
    repository INTEGER NOT NULL,
    name       TEXT NOT NULL,
    said       TEXT NOT NULL,
    open       TEXT NOT NULL,
    said_at    TEXT NOT NULL,
    PRIMARY KEY (uid, name)
) STRICT;
CREATE INDEX source_name ON source (repository, name, uid);

-- Chains of commits about to become visible.
CREATE TABLE batch (
    id         TEXT NOT NULL,
    repository INTEGER NOT NULL REFERENCES repository (id),
    fence      INTEGER NOT NULL,
    parent     TEXT,
    tip        TEXT NOT NULL,
    items      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (repository, id)
) STRICT;

-- What happened. Rows outlive their entity.
CREATE TABLE log (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    repository      INTEGER NOT NULL REFERENCES repository (id),
    id              TEXT NOT NULL,
    uid             INTEGER REFERENCES knowledge (uid),
    kind            TEXT NOT NULL,
    entity_id       TEXT NOT NULL,
    operation       TEXT NOT NULL,
    direction       TEXT NOT NULL,
    status          TEXT NOT NULL,
    started_at      TEXT NOT NULL,
    completed_at    TEXT,
    error           TEXT,
    commit_id       TEXT,
    synced_by       TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    idempotency_key TEXT,
    UNIQUE (repository, id)
) STRICT;
CREATE INDEX log_started ON log (repository, started_at, seq);
CREATE INDEX log_status ON log (repository, status, started_at, seq);
CREATE INDEX log_identity ON log (uid, started_at, seq);
CREATE INDEX log_key ON log (repository, kind, entity_id) WHERE uid IS NULL;
CREATE UNIQUE INDEX log_idempotency ON log (repository, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- What is wrong with files: for each path the newest list.
CREATE TABLE diagnostic (
    repository  INTEGER NOT NULL REFERENCES repository (id),
    path        TEXT NOT NULL,
    ordinal     INTEGER NOT NULL,
    blob        TEXT,
    place       TEXT NOT NULL,
    line        INTEGER NOT NULL,
    col         INTEGER NOT NULL,
    severity    TEXT NOT NULL,
    code        TEXT NOT NULL,
    message     TEXT NOT NULL,
    source_line TEXT,
    PRIMARY KEY (repository, path, ordinal)
) STRICT;

-- Webhook deliveries that were taken, so that none is taken twice.
CREATE TABLE delivery (
    repository  INTEGER NOT NULL REFERENCES repository (id),
    id          TEXT NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (repository, id)
) STRICT;
CREATE INDEX delivery_age ON delivery (received_at);

-- The versions of an entity, commit by commit.
CREATE TABLE history (
    uid           INTEGER NOT NULL REFERENCES knowledge (uid),
    commit_id     TEXT NOT NULL,
    parent_commit TEXT,
    old_blob      TEXT,
    new_blob      TEXT,
    author_name   TEXT NOT NULL,
    author_email  TEXT NOT NULL,
    time          TEXT NOT NULL,
    message       TEXT NOT NULL,
    operation_id  TEXT,
    renamed_from  TEXT,
    PRIMARY KEY (uid, commit_id)
) STRICT;
CREATE INDEX history_time ON history (uid, time);

-- Full-text search over title, texts of fields and body. The index holds each word of a version once, folded, and no
-- text: which version fits best is decided from the versions themselves. Row 2n is the live version of record n, row
-- 2n + 1 its change. Triggers note which records have to be indexed again, so that it can be done later; `OR
-- IGNORE` in a trigger would give way to the statement that fires it.
CREATE VIRTUAL TABLE word USING fts5 (
    title, terms, body, content = '', contentless_delete = 1, detail = column, tokenize = 'ascii'
);
CREATE TABLE unindexed (
    uid INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER entity_made AFTER INSERT ON entity BEGIN
    INSERT INTO unindexed (uid) SELECT new.uid WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE uid = new.uid);
END;
CREATE TRIGGER entity_gone AFTER DELETE ON entity BEGIN
    INSERT INTO unindexed (uid) SELECT old.uid WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE uid = old.uid);
END;
CREATE TRIGGER entity_retold AFTER UPDATE OF title, fields, body ON entity
WHEN new.title <> old.title OR new.fields <> old.fields OR new.body <> old.body BEGIN
    INSERT INTO unindexed (uid) SELECT new.uid WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE uid = new.uid);
END;
CREATE TRIGGER change_made AFTER INSERT ON change BEGIN
    INSERT INTO unindexed (uid) SELECT new.uid WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE uid = new.uid);
END;
CREATE TRIGGER change_gone AFTER DELETE ON change BEGIN
    INSERT INTO unindexed (uid) SELECT old.uid WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE uid = old.uid);
END;
CREATE TRIGGER change_retold AFTER UPDATE OF title, fields, body ON change
WHEN new.title <> old.title OR new.fields <> old.fields OR new.body <> old.body BEGIN
    INSERT INTO unindexed (uid) SELECT new.uid WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE uid = new.uid);
END;
