//! Vectors in a real PostgreSQL: what every index does, several at once, and a server that dies.
#![cfg(all(feature = "pgvector", unix))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../index_suite/mod.rs"]
mod index_suite;
mod server;

use std::sync::atomic::{AtomicUsize, Ordering};

use index_suite::{brute_force, random_unit};
use infer_code_cad_retrieval::ndarray::{Array2, array};
use infer_code_cad_retrieval::{
    IndexError, PgVectorError, PgVectorIndex, PgVectorSearch, VectorIndex,
};
use server::Server;

const HNSW: PgVectorSearch = PgVectorSearch::Hnsw { m: 16, ef_construction: 64, ef_search: 100 };

fn open(server: &Server, table: &str, dimension: usize, search: PgVectorSearch) -> PgVectorIndex {
    PgVectorIndex::open(&server.address(), table, dimension, search).unwrap()
}

#[test]
fn does_what_every_index_does() {
    let Some(server) = Server::start() else { return };
    let tables = AtomicUsize::new(0);
    index_suite::suite(&|dimension| {
        let table = format!("suite_{}", tables.fetch_add(1, Ordering::Relaxed));
        Box::new(open(&server, &table, dimension, PgVectorSearch::Exact))
    });
}

#[test]
fn a_graph_finds_nearly_all_and_more_than_it_keeps_in_sight() {
    let Some(server) = Server::start() else { return };
    let (rows, queries) = (random_unit(2000, 32, 1), random_unit(20, 32, 2));
    let ids: Vec<i64> = (0..2000).collect();
    open(&server, "graph", 32, PgVectorSearch::Exact).add(&ids, rows.view()).unwrap();
    let graph = open(&server, "graph", 32, HNSW);
    let found = graph.search(queries.view(), 10).unwrap();
    let mut right = 0;
    for (query, found) in queries.rows().into_iter().zip(&found) {
        let expected = brute_force(&ids, &rows, &query.to_vec(), 10);
        right += expected.iter().filter(|(id, _)| found.iter().any(|one| one.id == *id)).count();
    }
    assert!(right >= 190, "{right} of 200");
    assert_eq!(graph.search(queries.view(), 300).unwrap()[0].len(), 300);
    let settings = "pgvector(table=graph,search=hnsw(m=16,ef_construction=64,ef_search=100))";
    assert_eq!(graph.settings().to_string(), settings);
}

#[test]
fn what_is_added_is_seen_by_all_at_once_or_not_at_all() {
    let Some(server) = Server::start() else { return };
    // Eight begin at once, so that extension and table are made in a race.
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut index = open(server, "shared", 8, PgVectorSearch::Exact);
                let ids: Vec<i64> = (0..50).map(|i| i * 8 + thread).collect();
                index.add(&ids, random_unit(50, 8, thread as u64 + 1).view()).unwrap();
            });
        }
    });
    let (mut one, other) = (
        open(&server, "shared", 8, PgVectorSearch::Exact),
        open(&server, "shared", 8, PgVectorSearch::Exact),
    );
    assert_eq!(other.len(), 400);
    let ids: Vec<i64> = (1000..3500).chain([7]).collect();
    let refused = one.add(&ids, random_unit(2501, 8, 9).view());
    assert!(matches!(refused, Err(IndexError::DuplicateId { id: 7 })), "{refused:?}");
    assert_eq!((one.len(), other.len()), (400, 400));
    assert_eq!(one.remove(&[7, 7, -3]).unwrap(), 1);
    assert_eq!(other.vector(7).unwrap(), None);
}

#[test]
fn a_dead_server_is_an_error_and_a_living_one_is_found_again() {
    let Some(server) = Server::start() else { return };
    let mut index = open(&server, "kept", 2, PgVectorSearch::Exact);
    index.add(&[1, 2], array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
    let query = array![[0.0, 1.0]];
    server.kill();
    let no_server = |error: IndexError| {
        assert!(matches!(error, IndexError::PgVector(PgVectorError::Connect { .. })), "{error}");
    };
    no_server(index.search(query.view(), 1).unwrap_err());
    no_server(index.add(&[3], query.view()).unwrap_err());
    no_server(index.remove(&[1]).unwrap_err());
    assert_eq!(index.len(), 2, "as last counted");
    server.resume();
    assert_eq!(index.search(query.view(), 1).unwrap()[0][0].id, 2);
    // This time the connection is open when it breaks, and the server is back before the next call.
    server.kill();
    server.resume();
    index.add(&[3], query.view()).unwrap();
    assert_eq!(index.len(), 3);
}

#[test]
fn bad_requests_are_named() {
    let refused = |address: &str, table: &str, dimension, search| {
        PgVectorIndex::open(address, table, dimension, search).unwrap_err()
    };
    let exact = PgVectorSearch::Exact;
    let nobody = "host=127.0.0.1 port=1 user=tester connect_timeout=2";
    for table in ["", "Docs", "a b", "a;drop table b", "1a", "ä", &"a".repeat(59)] {
        let error = refused(nobody, table, 3, exact);
        assert!(matches!(error, IndexError::PgVector(PgVectorError::Table { .. })), "{error}");
    }
    for (dimension, search) in [(0, exact), (16_001, exact), (2_001, HNSW)] {
        let error = refused(nobody, "docs", dimension, search);
        assert!(matches!(error, IndexError::PgVector(PgVectorError::TooLong { .. })), "{error}");
    }
    let blind = PgVectorSearch::Hnsw { m: 16, ef_construction: 64, ef_search: 0 };
    let error = refused(nobody, "docs", 3, blind);
    assert!(matches!(error, IndexError::PgVector(PgVectorError::EfSearch { value: 0 })), "{error}");
    let error = refused("nonsense", "docs", 3, exact);
    assert!(matches!(error, IndexError::PgVector(PgVectorError::Address { .. })), "{error}");
    let error = refused(nobody, "docs", 3, exact);
    assert!(matches!(error, IndexError::PgVector(PgVectorError::Connect { .. })), "{error}");
    let Some(server) = Server::start() else { return };
    open(&server, "docs", 3, exact).add(&[1], Array2::ones((1, 3)).view()).unwrap();
    let error = refused(&server.address(), "docs", 4, exact);
    assert!(matches!(error, IndexError::Dimension { index: 3, given: 4 }), "{error}");
    let error = refused(&server.address(), "user", 4, exact);
    assert!(matches!(error, IndexError::PgVector(PgVectorError::Server { .. })), "{error}");
    let error =
        refused(&server.address().replace("dbname=postgres", "dbname=none"), "docs", 3, exact);
    assert!(matches!(error, IndexError::PgVector(PgVectorError::Connect { .. })), "{error}");
    let steep = PgVectorSearch::Hnsw { m: 1, ef_construction: 64, ef_search: 40 };
    let error = refused(&server.address(), "docs", 3, steep);
    assert!(matches!(error, IndexError::PgVector(PgVectorError::Server { .. })), "{error}");
}
