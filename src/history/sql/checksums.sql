-- Migration 3: checksums of what was taken in, so that a check need not read every record of the journal again.
ALTER TABLE results ADD COLUMN checksum UBIGINT;
ALTER TABLE journal_files ADD COLUMN rewritten BOOLEAN DEFAULT false;
CREATE TABLE totals (results UBIGINT NOT NULL, checksum UBIGINT NOT NULL, hashed_by VARCHAR NOT NULL);
INSERT INTO totals VALUES (0, 0, '');
