// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

type reservation struct {
	ID        string `json:"id"`
	Episode   string `json:"episode"`
	House     string `json:"house,omitempty"`
	CodeName  string `json:"code_name"`
	Unit      string `json:"unit"`
	State     string `json:"state"`
	Version   int    `json:"version"`
	CheckWord string `json:"check_word"`
	Number    string `json:"number"`
	HeldAt    string `json:"held_at"`
	ExpiresAt string `json:"expires_at"`
	Channel   string `json:"contact_channel"`
	Need      string `json:"need"`
	persons   int
}

// store is a pool; statements are prepared by pgx when a connection first uses them.
type store struct {
	pool *pgxpool.Pool
	sql  map[string]string
}

func open(set *settings) (*store, error) {
	d := set.Database
	pool, err := pgxpool.Connect(context.Background(), fmt.Sprintf("host=%s port=%s user=%s dbname=%s pool_max_conns=%d",
		d["host"], d["port"], d["user"], d["database"], set.Pool))
	return &store{pool: pool, sql: set.SQL}, err
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

const timeForm = "2006-01-02T15:04:05.000Z"

func now() string { return time.Now().UTC().Format(timeForm) }

var errRefused = errors.New("refused")

// transaction runs work between BEGIN and COMMIT, which travel with its first and its last statement: of three round trips
// work makes one itself.  What it refuses is rolled back.
func (s *store) transaction(ctx context.Context, work func(c *pgxpool.Conn) error) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	if err = work(c); err != nil {
		_, _ = c.Exec(ctx, "rollback")
	}
	return err
}

// begin a transaction with a query of one row.
func begin(ctx context.Context, c *pgxpool.Conn, sql string, values []any, into ...any) error {
	b := &pgx.Batch{}
	b.Queue("begin")
	b.Queue(sql, values...)
	r := c.SendBatch(ctx, b)
	defer r.Close()
	if _, err := r.Exec(); err != nil {
		return err
	}
	err := r.QueryRow().Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return errRefused
	}
	return err
}

// finish a transaction with its last statement.
func finish(ctx context.Context, c *pgxpool.Conn, sql string, values ...any) error {
	b := &pgx.Batch{}
	b.Queue(sql, values...)
	b.Queue("commit")
	r := c.SendBatch(ctx, b)
	defer r.Close()
	if _, err := r.Exec(); err != nil {
		return err
	}
	_, err := r.Exec()
	return err
}

// repeat the answer that was kept for this key.
func repeat(ctx context.Context, c *pgxpool.Conn, before string, r *reservation) error {
	if _, err := c.Exec(ctx, "rollback"); err != nil {
		return err
	}
	return json.Unmarshal([]byte(before), r)
}

func given(err error, r *reservation) (*reservation, error) {
	if errors.Is(err, errRefused) {
		return nil, nil
	}
	return r, err
}

func (s *store) hold(ctx context.Context, who, key string, body *newHold) (*reservation, error) {
	r := &reservation{ID: newID(), Episode: body.Episode, State: "held", Version: 1, CheckWord: "tavasz", Need: body.Need, Channel: body.Channel}
	err := s.transaction(ctx, func(c *pgxpool.Conn) error {
		var taken, licensed, isOpen, adults, children int
		var has, before *string
		err := begin(ctx, c, s.sql["look"], []any{body.Candidate, body.Episode, key}, &r.House, &r.CodeName, &taken, &licensed, &isOpen,
			&adults, &children, &has, &before)
		if err != nil {
			return err
		}
		if before != nil {
			return repeat(ctx, c, *before, r)
		}
		persons := adults + children
		if has != nil || isOpen == 0 || taken+persons > licensed {
			return errRefused
		}
		if err = c.QueryRow(ctx, s.sql["unit"], r.House, persons, adults).Scan(&r.Unit); errors.Is(err, pgx.ErrNoRows) {
			return errRefused
		} else if err != nil {
			return err
		}
		r.Number, r.HeldAt, r.ExpiresAt = newID()[:6], now(), time.Now().Add(30*time.Minute).UTC().Format(timeForm)
		text, _ := json.Marshal(r)
		return finish(ctx, c, s.sql["hold"], r.ID, r.Episode, r.House, r.Unit, who, r.State, persons, r.Need, r.Channel, r.CheckWord, r.Number,
			r.HeldAt, r.ExpiresAt, key, string(text))
	})
	return given(err, r)
}

func (s *store) cancel(ctx context.Context, who, key, id string) (*reservation, error) {
	r := new(reservation)
	err := s.transaction(ctx, func(c *pgxpool.Conn) error {
		var before *string
		err := begin(ctx, c, s.sql["found"], []any{id, key}, &r.ID, &r.Episode, &r.House, &r.Unit, &r.State, &r.persons, &r.Need, &r.Channel,
			&r.CheckWord, &r.Number, &r.HeldAt, &r.ExpiresAt, &r.Version, &r.CodeName, &before)
		if err != nil {
			return err
		}
		if before != nil {
			return repeat(ctx, c, *before, r)
		}
		if r.State != "held" {
			return errRefused
		}
		r.State = "cancelled"
		r.Version++
		text, _ := json.Marshal(r)
		return finish(ctx, c, s.sql["cancel"], id, r.Unit, r.House, r.persons, r.Episode, now(), who, key, string(text))
	})
	return given(err, r)
}
