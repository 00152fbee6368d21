//! Vectors in PostgreSQL.

mod connection;
mod error;

pub use error::PgVectorError;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use infer_code_cad_decode::Settings;
use ndarray::ArrayView2;
use pgvector::Vector;
use postgres::error::SqlState;
use postgres::{Client, Config, Transaction};

use self::connection::Connection;
use super::rows::{check_added, check_queries};
use crate::{IndexError, Neighbor, VectorIndex};

/// Vectors that a statement brings, so that none nears the server's 1 GB.
const ROWS: usize = 1000;

/// Which key the server's lock of this crate has: two that make the extension at once would be in each other's way.
const LOCK: i64 = 0x69_6363_6164;

/// An index in a table of PostgreSQL with the extension [pgvector](https://github.com/pgvector/pgvector): for a store
/// that many machines read and write, or that must be with other data.
///
/// The table has the columns `id bigint` and `vector vector(dimension)` and can be joined with any other. What is
/// added or removed is seen by all at once or not at all. A connection that broke is made anew once per call. Calls
/// of several threads wait for each other; open one index per thread to have them answered at once.
///
/// The client speaks without TLS: reach a server on another machine through a tunnel or a network of your own. It
/// blocks, so call it from a thread of its own within an async program (`spawn_blocking`).
pub struct PgVectorIndex {
    table: String,
    dimension: usize,
    search: PgVectorSearch,
    connection: Connection,
    /// Vectors as last known, for when there is no connection.
    counted: AtomicUsize,
}

/// How the server searches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PgVectorSearch {
    /// Compares the query with every vector.
    #[default]
    Exact,
    /// Walks a graph, which finds most of the nearest. Needs pgvector 0.8.
    ///
    /// Opening the index builds the graph if the table has none; a graph that is there stays as it is. Building is
    /// far quicker once all vectors are in: add them through an exact index, then open this one. Malkov and
    /// Yashunin, [Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World
    /// graphs](https://arxiv.org/abs/1603.09320).
    Hnsw {
        /// Neighbours of a vector in the graph; pgvector's own value is 16.
        m: u16,
        /// Vectors kept in sight while a vector is put in; pgvector's own value is 64.
        ef_construction: u16,
        /// Vectors that a query keeps in sight, 1 to 1000; pgvector's own value is 40.
        ef_search: u16,
    },
}

impl PgVectorIndex {
    /// Opens the table and makes it, and the extension, where they are missing.
    ///
    /// `address` is that of [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING):
    /// `host=HOST port=5432 user=NAME password=SECRET dbname=NAME` or `postgresql://NAME:SECRET@HOST/NAME`. Without
    /// a `connect_timeout` it waits 10 seconds for the server.
    ///
    /// # Errors
    /// [`PgVectorError::Address`], [`PgVectorError::Table`], [`PgVectorError::TooLong`], [`PgVectorError::EfSearch`],
    /// [`PgVectorError::Connect`], [`PgVectorError::Extension`], [`PgVectorError::ForeignTable`], [`PgVectorError::Server`] as for a parameter
    /// that pgvector does not take; [`IndexError::Dimension`] for a table of vectors of another length.
    pub fn open(
        address: &str,
        table: &str,
        dimension: usize,
        search: PgVectorSearch,
    ) -> Result<Self, IndexError> {
        let table = check_table(table)?;
        search.check(dimension)?;
        let config =
            address.parse::<Config>().map_err(|source| PgVectorError::Address { source })?;
        let connection = Connection::open(with_timeout(config), search.session())?;
        connection.transact(|transaction| create(transaction, &table, dimension))?;
        let counted = AtomicUsize::new(0);
        let index = Self { table, dimension, search, connection, counted };
        index.check_column()?;
        index.connection.run(|client| search.build(client, &index.table))?;
        index.count()?;
        Ok(index)
    }

    /// Refuses a table with vectors of another length, or without vectors.
    fn check_column(&self) -> Result<(), IndexError> {
        let statement = "SELECT atttypmod FROM pg_attribute \
             WHERE attrelid = $1::text::regclass AND attname = 'vector' AND atttypid = 'vector'::regtype";
        let column = self
            .connection
            .run(|client| client.query_opt(statement, &[&self.table]).map_err(PgVectorError::of))?;
        let table = || self.table.clone();
        let column = column.ok_or_else(|| PgVectorError::ForeignTable { table: table() })?;
        let index = usize::try_from(column.get::<_, i32>(0))
            .map_err(|_| PgVectorError::ForeignTable { table: table() })?;
        if index != self.dimension {
            return Err(IndexError::Dimension { index, given: self.dimension });
        }
        Ok(())
    }

    fn count(&self) -> Result<usize, PgVectorError> {
        let statement = format!("SELECT count(*) FROM {}", self.table);
        let row = self
            .connection
            .run(|client| client.query_one(statement.as_str(), &[]).map_err(PgVectorError::of))?;
        let counted = usize::try_from(row.get::<_, i64>(0)).unwrap_or(0);
        self.counted.store(counted, Ordering::Relaxed);
        Ok(counted)
    }

    /// The first of the numbers that the table holds.
    fn taken(&self, ids: &[i64]) -> Result<Option<i64>, PgVectorError> {
        let statement =
            format!("SELECT id FROM {} WHERE id = ANY($1) ORDER BY id LIMIT 1", self.table);
        let row = self.connection.run(|client| {
            client.query_opt(statement.as_str(), &[&ids]).map_err(PgVectorError::of)
        })?;
        Ok(row.map(|row| row.get(0)))
    }

    fn insert(&self, ids: &[i64], vectors: &[Vector]) -> Result<(), PgVectorError> {
        let statement =
            format!("INSERT INTO {} SELECT * FROM unnest($1::bigint[], $2::vector[])", self.table);
        self.connection.transact(|transaction| {
            let insert = transaction.prepare(&statement).map_err(PgVectorError::of)?;
            for (ids, vectors) in ids.chunks(ROWS).zip(vectors.chunks(ROWS)) {
                transaction.execute(&insert, &[&ids, &vectors]).map_err(PgVectorError::of)?;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for PgVectorIndex {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgVectorIndex")
            .field("table", &self.table)
            .field("dimension", &self.dimension)
            .field("search", &self.search)
            .finish_non_exhaustive()
    }
}

impl VectorIndex for PgVectorIndex {
    fn dimension(&self) -> usize {
        self.dimension
    }

    /// As the server counts them now; without a connection, as last known.
    fn len(&self) -> usize {
        self.count().unwrap_or_else(|error| {
            tracing::warn!(table = self.table, %error, "vectors were not counted");
            self.counted.load(Ordering::Relaxed)
        })
    }

    /// In one transaction. Beside the trait's errors [`PgVectorError::Lost`], [`PgVectorError::Unsure`] and
    /// [`PgVectorError::Server`].
    fn add(&mut self, ids: &[i64], vectors: ArrayView2<'_, f32>) -> Result<(), IndexError> {
        check_added(self.dimension, ids, &vectors, |_| false)?;
        let rows = vectors.rows().into_iter();
        let vectors: Vec<Vector> = rows.map(|row| Vector::from(row.to_vec())).collect();
        match self.insert(ids, &vectors) {
            Err(PgVectorError::Server { source })
                if source.code() == Some(&SqlState::UNIQUE_VIOLATION) =>
            {
                let id = self.taken(ids)?;
                Err(id.map_or(PgVectorError::Server { source }.into(), |id| {
                    IndexError::DuplicateId { id }
                }))
            }
            done => {
                done?;
                *self.counted.get_mut() += ids.len();
                Ok(())
            }
        }
    }

    fn remove(&mut self, ids: &[i64]) -> Result<usize, IndexError> {
        let statement = format!("DELETE FROM {} WHERE id = ANY($1)", self.table);
        let removed = self.connection.transact(|transaction| {
            transaction.execute(statement.as_str(), &[&ids]).map_err(PgVectorError::of)
        })?;
        let removed = removed as usize;
        let counted = self.counted.get_mut();
        *counted = counted.saturating_sub(removed);
        Ok(removed)
    }

    fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        top_k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        check_queries(self.dimension, &queries, top_k)?;
        let statement = format!(
            "SELECT id, (-(vector <#> $1))::real FROM {} ORDER BY vector <#> $1, id LIMIT $2",
            self.table
        );
        let queries: Vec<Vector> =
            queries.rows().into_iter().map(|row| Vector::from(row.to_vec())).collect();
        let top_k = i64::try_from(top_k).unwrap_or(i64::MAX);
        Ok(self.connection.run(|client| {
            let select = client.prepare(&statement).map_err(PgVectorError::of)?;
            queries
                .iter()
                .map(|query| {
                    let rows =
                        client.query(&select, &[query, &top_k]).map_err(PgVectorError::of)?;
                    Ok(rows
                        .iter()
                        .map(|row| Neighbor { id: row.get(0), score: row.get(1) })
                        .collect())
                })
                .collect()
        })?)
    }

    fn vector(&self, id: i64) -> Result<Option<Vec<f32>>, IndexError> {
        let statement = format!("SELECT vector FROM {} WHERE id = $1", self.table);
        let row = self.connection.run(|client| {
            client.query_opt(statement.as_str(), &[&id]).map_err(PgVectorError::of)
        })?;
        Ok(row.map(|row| row.get::<_, Vector>(0).into()))
    }

    /// `pgvector` with the table and how it is searched, as in
    /// `pgvector(table=docs,search=hnsw(m=16,ef_construction=64,ef_search=40))`.
    fn settings(&self) -> Settings {
        let search = match self.search {
            PgVectorSearch::Exact => Settings::new("exact"),
            PgVectorSearch::Hnsw { m, ef_construction, ef_search } => Settings::new("hnsw")
                .with("m", m)
                .with("ef_construction", ef_construction)
                .with("ef_search", ef_search),
        };
        Settings::new("pgvector").with("table", &self.table).with("search", search)
    }
}

impl PgVectorSearch {
    /// Refuses vectors longer than pgvector stores, or puts into a graph, and what it would not say a word to.
    fn check(self, dimension: usize) -> Result<(), PgVectorError> {
        let (most, for_what) = match self {
            Self::Exact => (16_000, "in a table"),
            Self::Hnsw { .. } => (2_000, "in a graph"),
        };
        if !(1..=most).contains(&dimension) {
            return Err(PgVectorError::TooLong { most, for_what, dimension });
        }
        match self {
            Self::Hnsw { ef_search: value, .. } if !(1..=1000).contains(&value) => {
                Err(PgVectorError::EfSearch { value })
            }
            _ => Ok(()),
        }
    }

    /// What a session is told, so that the server searches this way even where it could the other.
    fn session(self) -> String {
        match self {
            Self::Exact => "SET enable_indexscan = off;".into(),
            // The scan goes on beyond ef_search where more are asked for. A plan made without the numbers asked for
            // would reckon with a tenth of the table and not use the graph.
            Self::Hnsw { ef_search, .. } => format!(
                "SET hnsw.ef_search = {ef_search}; SET hnsw.iterative_scan = strict_order; \
                 SET plan_cache_mode = force_custom_plan;"
            ),
        }
    }

    fn build(self, client: &mut Client, table: &str) -> Result<(), PgVectorError> {
        let Self::Hnsw { m, ef_construction, .. } = self else { return Ok(()) };
        let statement = format!(
            "CREATE INDEX IF NOT EXISTS {table}_hnsw ON {table} USING hnsw (vector vector_ip_ops) \
             WITH (m = {m}, ef_construction = {ef_construction})"
        );
        client.batch_execute(&statement).map_err(PgVectorError::of)
    }
}

/// Makes extension and table where they are missing, one session at a time.
fn create(
    transaction: &mut Transaction<'_>,
    table: &str,
    dimension: usize,
) -> Result<(), PgVectorError> {
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    transaction.batch_execute(&lock).map_err(PgVectorError::of)?;
    let extension = transaction.batch_execute("CREATE EXTENSION IF NOT EXISTS vector");
    extension.map_err(|source| match PgVectorError::of(source) {
        PgVectorError::Server { source } => PgVectorError::Extension { source },
        lost => lost,
    })?;
    let table = format!(
        "CREATE TABLE IF NOT EXISTS {table} (id bigint PRIMARY KEY, vector vector({dimension}) NOT NULL)"
    );
    transaction.batch_execute(&table).map_err(PgVectorError::of)
}

/// A name that needs no quotes, with room for `_hnsw` in the server's 63 bytes.
fn check_table(table: &str) -> Result<String, PgVectorError> {
    let starts = table.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let goes_on = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if starts && table.len() <= 58 && table.chars().all(goes_on) {
        return Ok(table.into());
    }
    Err(PgVectorError::Table { table: table.into() })
}

fn with_timeout(mut config: Config) -> Config {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    config
}
