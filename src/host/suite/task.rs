//! What an engine is told to run for a query: its text in the engine's dialect, or the query's pipeline into the engine's sink.

use anyhow::Result;

use super::{Pipeline, QuerySpec, Suite};
use crate::host::catalog::Entry;
use crate::protocol::engine::Unsupported;
use crate::protocol::id::Scale;
use crate::protocol::task::{Step, Task, Work};

impl QuerySpec {
    /// The query as a pipeline into the sink that the engine writes, where it has one.
    pub(crate) fn pipeline_for(&self, engine: &Entry) -> Option<&Pipeline> {
        self.pipeline.as_ref().filter(|pipeline| engine.writes.as_deref() == Some(pipeline.sink.as_str()))
    }
}

impl Suite {
    /// The query's task for an engine at a scale.
    ///
    /// # Errors
    /// [`Unsupported`] where the suite says that the engine's dialect cannot do it; when the text cannot be read or a placeholder stays
    /// open.
    pub fn task(&self, query: &QuerySpec, engine: &Entry, scale: Scale) -> Result<Task> {
        if let Some(why) = query.unsupported.get(&engine.dialect) {
            return Err(Unsupported(why.clone()).into());
        }
        match query.pipeline_for(engine) {
            Some(pipeline) => Ok(self.pipeline(query, pipeline)),
            None => self.text(query, &engine.dialect, scale),
        }
    }

    fn pipeline(&self, query: &QuerySpec, pipeline: &Pipeline) -> Task {
        let step = |name: &String| Step { name: name.clone(), work: Work::Plan(query.name.clone()) };
        Task {
            suite: self.name.clone(),
            name: query.name.clone(),
            setup: pipeline.setup.clone(),
            reset: pipeline.reset.clone(),
            steps: pipeline.steps.iter().map(step).collect(),
            check: Some(pipeline.check.clone()),
            sink: Some(pipeline.sink.clone()),
            target: Some(pipeline.target.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::settings::Settings;

    #[test]
    fn task_is_a_text_a_pipeline_or_unsupported_by_the_engine() {
        let (suite, catalog) = (Suite::read("pods").unwrap(), Catalog::read(&Settings::read().unwrap()).unwrap());
        let query = &suite.queries[0];
        let task = |engine: &str| suite.task(query, &catalog.entry(engine).unwrap(), Scale::ONE);
        assert!(task("duckdb").unwrap().query().is_some_and(|sql| sql.contains("map_concat")));
        let error = task("polars").unwrap_err();
        assert!(error.downcast_ref::<Unsupported>().is_some_and(|why| why.0.contains("JSON")), "{error}");
        let pipeline = task("pipeline").unwrap();
        assert_eq!((pipeline.query(), pipeline.sink.as_deref()), (None, Some("postgresql")));
        assert_eq!(
            pipeline.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(),
            ["read", "aggregate", "write"]
        );
    }
}
