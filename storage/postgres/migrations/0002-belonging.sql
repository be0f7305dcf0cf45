-- Whose names and account rows these are: the store of the journals that decide them (docs/decisions/0009-accounts.md).
-- Written by the first program that runs on both. Beside other journals every name here would seem abandoned.
CREATE TABLE belongs_to (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  journals text NOT NULL
);
