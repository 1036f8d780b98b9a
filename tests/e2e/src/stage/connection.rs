//! The workstation's connection to the cluster: made, used, ended; and what the cluster's names mean meanwhile.

use std::collections::BTreeSet;
use std::net::IpAddr;

use testbed::{Capability, Deadline};

use super::expect::{fact_fails, pass};
use super::{Stage, StageError};
use crate::proof::{PROBE_LIMIT, whoami};
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;

impl Stage<'_> {
    /// Puts right what a scenario before this one has left: leaves the intercept where this one may not find any, connects again
    /// when the connection was ended, and restores order-service unless this scenario, by its needs, arranges it itself.
    ///
    /// # Errors
    /// When the environment can't.
    pub async fn ready(&mut self, needs: &[Capability]) -> Result<(), StageError> {
        self.begin_without(needs).await?;
        self.restore(needs).await?;
        if self.bed.connected || !self.bed.environment.can(Capability::Connection) {
            return Ok(());
        }
        self.connect().await
    }

    /// Connects the workstation to the cluster. When it is connected already, that is seen to be so.
    ///
    /// # Errors
    /// When the environment can't.
    pub async fn connect(&mut self) -> Result<(), StageError> {
        let run = self.bed.run.clone();
        self.bed.environment.connect(&run).await?;
        self.bed.connected = true;
        self.lost = false;
        Ok(())
    }

    /// Ends the workstation's connection to the cluster.
    ///
    /// # Errors
    /// When the environment can't.
    pub async fn disconnect(&mut self) -> Result<(), StageError> {
        if self.broken_by(Fault::NotDisconnected) {
            return Ok(());
        }
        let run = self.bed.run.clone();
        // Whatever comes of it, nobody may rely on the connection.
        self.bed.connected = false;
        self.bed.environment.disconnect(&run).await?;
        Ok(())
    }

    /// The environment names this workload among those that can be intercepted.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn expect_interceptable(&mut self, workload: &str) -> Result<(), StageError> {
        let run = self.bed.run.clone();
        let listed = self.bed.environment.interceptable(&run).await?;
        let expected = format!("{workload} among the workloads that can be intercepted");
        let verdict = if listed.iter().any(|one| one == workload) {
            pass(expected)
        } else {
            fact_fails(expected, &listed.join(", "), None)
        };
        self.fact("list", verdict);
        Ok(())
    }

    /// Every name that the workstation was told resolves here.
    ///
    /// # Errors
    /// When an endpoint has no name, which is a mistake of the environment.
    pub async fn expect_cluster_names(&mut self) -> Result<(), StageError> {
        for name in self.told_names()? {
            let expected = format!("{name} resolves on the workstation");
            let verdict = match resolve(&name).await {
                Ok(address) => {
                    self.names.insert(name, address);
                    pass(format!("{expected}: {address}"))
                }
                Err(reason) => fact_fails(expected, &reason, None),
            };
            self.fact("names of the cluster", verdict);
        }
        Ok(())
    }

    /// None of the names resolves here any more, at least not to what it was while the workstation was connected.
    ///
    /// # Errors
    /// As [`Stage::expect_cluster_names`].
    pub async fn expect_no_cluster_names(&mut self) -> Result<(), StageError> {
        for name in self.told_names()? {
            let expected = format!("{name} no longer resolves on the workstation");
            let verdict = match (resolve(&name).await, self.names.get(&name)) {
                (Ok(now), Some(before)) if now == *before => {
                    fact_fails(expected, &format!("it still is {now}"), None)
                }
                _ => pass(expected),
            };
            self.fact("names after quit", verdict);
        }
        Ok(())
    }

    /// The process on the workstation exports to the address inside the cluster that it was told.
    ///
    /// # Errors
    /// When there is no process, or it does not answer.
    pub async fn expect_export_into_the_cluster(&mut self) -> Result<(), StageError> {
        let process = self
            .workstation
            .as_ref()
            .ok_or(StageError::Order("an intercept"))?;
        let me = whoami(&self.bed.http, &process.base_url())
            .await
            .map_err(StageError::Workstation)?;
        let target = &self.bed.endpoints.workstation_otlp;
        let expected = format!("{ORDER}@workstation exports to {target}");
        let verdict = if me.telemetry.exporter.contains(target) {
            pass(expected)
        } else {
            fact_fails(expected, &me.telemetry.exporter, None)
        };
        self.fact("the workstation's exporter", verdict);
        Ok(())
    }

    /// The names in the addresses that the process on the workstation, or a caller there, was told.
    fn told_names(&self) -> Result<BTreeSet<String>, StageError> {
        let endpoints = &self.bed.endpoints;
        let told = [
            &endpoints.workstation_otlp,
            &endpoints.workstation_inventory,
            &endpoints.workstation_order,
        ];
        told.into_iter()
            .map(|url| match reqwest::Url::parse(url) {
                Ok(url) => url.domain().map(str::to_owned),
                Err(_) => None,
            })
            .map(|name| name.ok_or(StageError::Order("an environment whose addresses have names")))
            .collect()
    }
}

/// Asks the system's own resolver, as the service does.
async fn resolve(name: &str) -> Result<IpAddr, String> {
    let asked = Deadline::after(PROBE_LIMIT);
    match asked.bound(tokio::net::lookup_host((name, 80))).await {
        Ok(Ok(mut found)) => found
            .next()
            .map(|address| address.ip())
            .ok_or_else(|| "no address".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PROBE_LIMIT.as_secs())),
    }
}
