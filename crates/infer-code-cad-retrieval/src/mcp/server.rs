use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::{IntoTransport, stdio};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Value, json};

use super::{Docs, McpError};
use crate::RetrievalError;

const RESOLVE: &str = "resolve-library-id";
const QUERY: &str = "query-docs";

/// Serves documentation on standard input and output until the client hangs up.
///
/// Nothing else may write to the standard output: set a `tracing` subscriber that writes to standard error.
///
/// # Errors
/// [`McpError::Hello`] where no client speaks, [`McpError::Start`], [`McpError::Broken`].
///
/// # Panics
/// Within an async runtime: it makes one of its own.
pub fn serve_stdio(docs: Docs) -> Result<(), McpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| McpError::Start { source })?;
    let served = runtime.block_on(serve(docs, stdio()));
    // A read of standard input that nobody waits for any more would hold up the end.
    runtime.shutdown_background();
    served
}

async fn serve<T, E, A>(docs: Docs, transport: T) -> Result<(), McpError>
where
    T: IntoTransport<RoleServer, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let served = Server { docs: Arc::new(docs) }.serve(transport).await;
    let running = served.map_err(|error| McpError::Hello { source: Box::new(error) })?;
    let ended = running.waiting().await;
    ended.map(|_| ()).map_err(|error| McpError::Broken { source: Box::new(error) })
}

#[derive(Clone)]
struct Server {
    docs: Arc<Docs>,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("infer-code-cad docs", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Documentation of the libraries installed on this machine. Look here before writing code that calls \
                 a library.",
            )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let text = |name| text(&arguments, name);
        let docs = Arc::clone(&self.docs);
        let answer = match &*request.name {
            RESOLVE => {
                let (query, name) = (text("query")?, text("libraryName")?);
                tokio::task::spawn_blocking(move || docs.resolve(&name, &query).map(Ok)).await
            }
            QUERY => {
                let (query, id) = (text("query")?, text("libraryId")?);
                tokio::task::spawn_blocking(move || Ok(docs.query(&id, &query)?.ok_or(id))).await
            }
            other => {
                let message =
                    format!("no tool is called {other:?}; there are {RESOLVE} and {QUERY}");
                return Err(ErrorData::invalid_params(message, None));
            }
        };
        let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(result(answer).into())
    }
}

/// What the agent reads: an answer, or why there is none and what to do; the id where no library has it.
fn result(answer: Result<Result<String, String>, RetrievalError>) -> CallToolResult {
    let error = |text| CallToolResult::error(vec![ContentBlock::text(text)]);
    match answer {
        Ok(Ok(text)) => CallToolResult::success(vec![ContentBlock::text(text)]),
        Ok(Err(id)) => error(format!("no library has the ID {id:?}; ask {RESOLVE} for one")),
        Err(fault) => error(format!("the search failed: {fault}")),
    }
}

/// A text among the arguments of a tool.
fn text(arguments: &JsonObject, name: &str) -> Result<String, ErrorData> {
    match arguments.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => {
            Err(ErrorData::invalid_params(format!("the argument {name:?} must be a string"), None))
        }
    }
}

fn tools() -> Vec<Tool> {
    let query = "What you want to do or know, in a sentence; one topic per call.";
    vec![
        tool(
            RESOLVE,
            "Find a library",
            "Finds the ID of a library by its name among those documented on this machine. Call it before query-docs, \
             unless you were given an ID such as /local/numpy or, of one version, /local/numpy/2.4.6. Append a version \
             from the answer where you need that one.",
            [("query", query), ("libraryName", "The library's name, as in its documentation.")],
        ),
        tool(
            QUERY,
            "Query documentation",
            "Gives the passages of a library's documentation that fit a question best: signatures, descriptions and \
             examples of the version at hand.",
            [("libraryId", "An ID as resolve-library-id gives it."), ("query", query)],
        ),
    ]
}

fn tool(
    name: &'static str,
    title: &str,
    description: &'static str,
    arguments: [(&str, &str); 2],
) -> Tool {
    let [(first, of_first), (second, of_second)] = arguments;
    let schema = json!({
        "type": "object",
        "properties": {
            first: { "type": "string", "description": of_first },
            second: { "type": "string", "description": of_second },
        },
        "required": [first, second],
    });
    let Value::Object(schema) = schema else { unreachable!("an object is written above") };
    let hints = ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, schema).with_title(title).with_annotations(hints)
}
