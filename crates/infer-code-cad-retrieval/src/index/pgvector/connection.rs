use std::sync::{Mutex, PoisonError};

use postgres::{Client, Config, NoTls, Transaction};

use super::PgVectorError;

/// A connection that is made anew once where it broke.
pub(super) struct Connection {
    config: Config,
    /// Said to the server after each connecting.
    greeting: String,
    client: Mutex<Option<Client>>,
}

impl Connection {
    /// Connects; `greeting` are the statements that set how a session searches.
    pub(super) fn open(config: Config, greeting: String) -> Result<Self, PgVectorError> {
        let connection = Self { config, greeting, client: Mutex::new(None) };
        connection.run(|_| Ok(()))?;
        Ok(connection)
    }

    /// Does some work that can be done twice: where the connection breaks, once more on a new one.
    pub(super) fn run<T>(
        &self,
        mut work: impl FnMut(&mut Client) -> Result<T, PgVectorError>,
    ) -> Result<T, PgVectorError> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut client) = held.take().filter(|client| !client.is_closed()) {
            match work(&mut client) {
                // A broken connection is dropped and the work begun anew.
                Err(PgVectorError::Lost { .. }) => {}
                done => {
                    *held = Some(client);
                    return done;
                }
            }
        }
        let mut client = self.connect()?;
        let done = work(&mut client);
        *held = Some(client);
        done
    }

    /// Does some work in a transaction: all of it is kept, or nothing.
    pub(super) fn transact<T>(
        &self,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, PgVectorError>,
    ) -> Result<T, PgVectorError> {
        self.run(|client| {
            let mut transaction = client.transaction().map_err(PgVectorError::of)?;
            let done = work(&mut transaction)?;
            match transaction.commit().map_err(PgVectorError::of) {
                Ok(()) => Ok(done),
                // Not to be done twice: the server may have kept it.
                Err(PgVectorError::Lost { source }) => Err(PgVectorError::Unsure { source }),
                Err(error) => Err(error),
            }
        })
    }

    fn connect(&self) -> Result<Client, PgVectorError> {
        let connected = self.config.connect(NoTls);
        let mut client = connected.map_err(|source| PgVectorError::Connect { source })?;
        client.batch_execute(&self.greeting).map_err(PgVectorError::of)?;
        Ok(client)
    }
}
