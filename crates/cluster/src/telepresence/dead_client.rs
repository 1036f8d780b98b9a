//! Intercepts whose client died, on a cluster that stayed: the traffic manager holds them for a while, and callers hang meanwhile.

use testbed::Run;

use super::{QUESTION, Telepresence, TelepresenceError};

impl Telepresence {
    /// Ends a dead client's intercept of a whole workload, and returns its id. For a cluster that nobody but this run may use,
    /// since whoever made it is not asked.
    ///
    /// No answer names the intercepts of other clients but the refusal of one more: so one is asked for, with a header that nobody
    /// sends. One that is limited to a header is no harm: it was the dead run's id, which nobody sends any more.
    ///
    /// # Errors
    /// The connection broke, or it can't be ended.
    pub async fn end_of_dead_client(
        &mut self,
        run: &Run,
        workload: &str,
    ) -> Result<Option<String>, TelepresenceError> {
        let header = format!("x-throughline-look={}", run.id());
        let port = "8080:8080";
        let args = [
            "intercept",
            workload,
            "--port",
            port,
            "--mount=false",
            "--http-header",
            &header,
        ];
        let cli = &self.connection(workload)?.cli;
        match cli.ask(Some(run), &args, &run.deadline(QUESTION)).await {
            Err(TelepresenceError::Conflict {
                intercept: Some(id), ..
            }) => {
                cli.ask(Some(run), &["revoke", &id], &run.deadline(QUESTION))
                    .await?;
                Ok(Some(id))
            }
            // Nothing is in the way, or not for this reason.
            _ => self.leave(run, workload).await.map(|()| None),
        }
    }
}
