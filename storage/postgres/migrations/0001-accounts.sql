-- Accounts, names and the search index of one server (docs/decisions/0009-accounts.md).
--
-- Each table's rows belong to a logical shard, and only a server that holds the shard may read or write them. Every row
-- carries the transaction that wrote it, so that a shard can be copied while it changes. No row is ever deleted, but by
-- the end of a move.

-- What this server serves: the only truth about where a shard lies. `epoch` rises with every move.
CREATE TABLE held_shard (
  family text NOT NULL CHECK (family IN ('account', 'name', 'index')),
  shard integer NOT NULL CHECK (shard BETWEEN 0 AND 1023),
  state text NOT NULL CHECK (state IN ('held', 'arriving', 'moved')),
  epoch integer NOT NULL,
  moved_to text,
  PRIMARY KEY (family, shard)
);

CREATE TABLE account (
  shard integer NOT NULL,
  id bigint NOT NULL,
  -- The position of the account's journal that the row was derived at.
  pts bigint NOT NULL,
  ordinal bigint NOT NULL,
  first_name text NOT NULL,
  last_name text NOT NULL,
  about text NOT NULL,
  username text NOT NULL,
  phone text NOT NULL,
  photo text NOT NULL,
  premium boolean NOT NULL,
  deleted boolean NOT NULL,
  home_dc integer NOT NULL,
  seen_at_ms bigint NOT NULL,
  written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (shard, id)
);
CREATE INDEX account_written ON account (shard, written_by);

CREATE TABLE claimed_name (
  shard integer NOT NULL,
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- Null when nobody has it; the row stays, so that tokens go on rising.
  holder bigint,
  owned boolean NOT NULL,
  token bigint NOT NULL,
  reserved_at_ms bigint,
  written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (shard, kind, name)
);
CREATE INDEX claimed_name_written ON claimed_name (shard, written_by);

CREATE TABLE indexed_name (
  shard integer NOT NULL,
  -- Lower case.
  name text COLLATE "C" NOT NULL,
  user_id bigint NOT NULL,
  shown text NOT NULL,
  removed boolean NOT NULL,
  written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (shard, name, user_id)
);
CREATE INDEX indexed_name_written ON indexed_name (shard, written_by);

-- A family's number, for advisory locks.
CREATE FUNCTION family_number(p_family text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_family WHEN 'account' THEN 774001 WHEN 'name' THEN 774002 WHEN 'index' THEN 774003 END
$$;

-- Whether this server serves the shard until the end of the transaction. The mover takes the same lock exclusively: so the
-- look comes after the lock, in a statement of its own, which sees what the mover has committed.
CREATE FUNCTION enter_shard(p_family text, p_shard integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(family_number(p_family), p_shard);
  RETURN EXISTS (SELECT FROM held_shard WHERE family = p_family AND shard = p_shard AND state = 'held');
END $$;

-- What writes answer: whether the shard is held here. Where it is not, nothing was written.

CREATE FUNCTION put_account(
  p_shard integer, p_id bigint, p_pts bigint, p_ordinal bigint, p_first_name text, p_last_name text, p_about text,
  p_username text, p_phone text, p_photo text, p_premium boolean, p_deleted boolean, p_home_dc integer,
  p_seen_at_ms bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT enter_shard('account', p_shard) THEN
    RETURN false;
  END IF;
  INSERT INTO account AS a VALUES (
    p_shard, p_id, p_pts, p_ordinal, p_first_name, p_last_name, p_about, p_username, p_phone, p_photo, p_premium,
    p_deleted, p_home_dc, p_seen_at_ms
  )
  ON CONFLICT (shard, id) DO UPDATE SET
    pts = excluded.pts, ordinal = excluded.ordinal, first_name = excluded.first_name, last_name = excluded.last_name,
    about = excluded.about, username = excluded.username, phone = excluded.phone, photo = excluded.photo,
    premium = excluded.premium, deleted = excluded.deleted, home_dc = excluded.home_dc,
    seen_at_ms = excluded.seen_at_ms, written_by = pg_current_xact_id()
  WHERE (a.pts, a.ordinal) < (excluded.pts, excluded.ordinal);
  RETURN true;
END $$;

CREATE FUNCTION reserve_name(
  p_shard integer, p_kind text, p_name text, p_user bigint, p_at_ms bigint,
  OUT held boolean, OUT r_holder bigint, OUT r_owned boolean, OUT r_token bigint, OUT r_reserved_at_ms bigint
) LANGUAGE plpgsql AS $$
BEGIN
  held := enter_shard('name', p_shard);
  IF NOT held THEN
    RETURN;
  END IF;
  LOOP
    INSERT INTO claimed_name AS n VALUES (p_shard, p_kind, p_name, p_user, false, greatest(p_at_ms, 1), p_at_ms)
    ON CONFLICT (shard, kind, name) DO UPDATE SET
      holder = p_user, token = greatest(n.token + 1, p_at_ms), reserved_at_ms = p_at_ms,
      written_by = pg_current_xact_id()
    WHERE n.holder IS NULL OR n.holder = p_user
    RETURNING n.holder, n.owned, n.token, n.reserved_at_ms INTO r_holder, r_owned, r_token, r_reserved_at_ms;
    IF FOUND THEN
      RETURN;
    END IF;
    SELECT n.holder, n.owned, n.token, n.reserved_at_ms INTO r_holder, r_owned, r_token, r_reserved_at_ms
    FROM claimed_name n WHERE shard = p_shard AND kind = p_kind AND name = p_name AND holder IS NOT NULL;
    -- Released in between: once more.
    EXIT WHEN FOUND;
  END LOOP;
END $$;

CREATE FUNCTION confirm_name(p_shard integer, p_kind text, p_name text, p_user bigint, p_token bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT enter_shard('name', p_shard) THEN
    RETURN false;
  END IF;
  UPDATE claimed_name SET
    owned = true, reserved_at_ms = CASE WHEN token > p_token THEN reserved_at_ms END,
    written_by = pg_current_xact_id()
  WHERE shard = p_shard AND kind = p_kind AND name = p_name AND holder = p_user;
  RETURN true;
END $$;

CREATE FUNCTION release_name(p_shard integer, p_kind text, p_name text, p_user bigint, p_up_to bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT enter_shard('name', p_shard) THEN
    RETURN false;
  END IF;
  UPDATE claimed_name SET holder = NULL, owned = false, reserved_at_ms = NULL, written_by = pg_current_xact_id()
  WHERE shard = p_shard AND kind = p_kind AND name = p_name AND holder = p_user AND token <= p_up_to;
  RETURN true;
END $$;

CREATE FUNCTION index_name(p_shard integer, p_name text, p_user bigint, p_shown text, p_removed boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT enter_shard('index', p_shard) THEN
    RETURN false;
  END IF;
  INSERT INTO indexed_name AS i VALUES (p_shard, p_name, p_user, p_shown, p_removed)
  ON CONFLICT (shard, name, user_id) DO UPDATE SET
    shown = excluded.shown, removed = excluded.removed, written_by = pg_current_xact_id()
  WHERE i.shown <> excluded.shown OR i.removed <> excluded.removed;
  RETURN true;
END $$;
