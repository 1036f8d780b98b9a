//! What the processes' own counts say about spans that are missing: late, refused, lost, never sent, or never wanted.

use super::Detective;
use crate::evidence::ExportAccount;
use crate::expect::At;
use crate::judge::plan::Before;
use crate::route::Place;
use crate::span::SpanKind;
use crate::tree::NodeIndex;
use crate::verdict::Cause;
use crate::words;

impl Detective<'_, '_, '_> {
    pub(super) fn accounts(&self, place: &At) -> impl Iterator<Item = &ExportAccount> {
        let all = self.scene.evidence.accounts.iter();
        all.filter(|account| place.covers(&account.service, Some(account.site)))
    }

    pub(super) fn owing(&self, place: &At) -> Option<Cause> {
        let account = self.accounts(place).find(|account| account.owes() > 0)?;
        Some(Cause::NotYetArrived {
            process: account.place(),
            pending: account.owes(),
        })
    }

    /// What a place's own count says about spans of it that are missing. `took_part` says that it certainly had spans to deliver.
    pub(super) fn account_of(&self, place: &At, took_part: bool) -> Option<Cause> {
        if let Some(owing) = self.owing(place) {
            return Some(owing);
        }
        // With processes at both sites nobody can say which one the spans are missing from.
        let mut sites = self.accounts(place).map(|account| account.site);
        let first = sites.next()?;
        if sites.any(|site| site != first) {
            return None;
        }
        // Who has recorded nothing has nothing to deliver, wherever its exporter points.
        let idle = |account: &&ExportAccount| took_part && account.started == 0 && account.sampled_out > 0;
        if let Some(account) = self.accounts(place).find(idle) {
            return Some(sampled_out(account));
        }
        if let Some(account) = self.accounts(place).find(|account| !account.delivers()) {
            return Some(Cause::NeverExported {
                process: account.place(),
                started: account.started,
                exporter: words::clean(&account.exporter),
            });
        }
        if let Some(account) = self.accounts(place).find(|account| account.failed > 0) {
            let error = account
                .last_error
                .as_deref()
                .map_or_else(|| "no reason given".to_owned(), words::clean);
            return Some(Cause::ExportRefused {
                process: account.place(),
                failed: account.failed,
                error,
            });
        }
        let picky = |account: &&ExportAccount| took_part && account.overrules_the_caller();
        if let Some(account) = self.accounts(place).find(picky) {
            return Some(sampled_out(account));
        }
        let account = self
            .accounts(place)
            .max_by_key(|account| account.exported)
            .filter(|_| took_part)?;
        Some(if account.exported > 0 {
            Cause::LostAfterExport {
                process: account.place(),
                exported: account.exported,
            }
        } else {
            Cause::NeverExported {
                process: account.place(),
                started: 0,
                exporter: words::clean(&account.exporter),
            }
        })
    }

    /// Why a parent is missing. Only a process that should have delivered it can tell.
    pub(super) fn orphan(&self, node: NodeIndex) -> Option<Cause> {
        let span = self.span(node)?;
        let place = Place::of(span).to_at();
        if !matches!(span.kind, SpanKind::Server | SpanKind::Consumer) {
            return self.account_of(&place, true);
        }
        match self.plan.before(&place) {
            Before::Place(path) => {
                let before = self.as_found(path.last()?);
                let silent = self.accounts(&before).next().is_none() && !self.is_here(&before);
                self.account_of(&before, true)
                    .or_else(|| silent.then_some(Cause::Silent { process: before }))
            }
            Before::Caller => None,
            Before::Unknown => {
                let others = self.scene.evidence.accounts.iter().map(ExportAccount::place);
                others
                    .filter(|other| *other != place)
                    .find_map(|other| self.account_of(&other, false))
            }
        }
    }
}

fn sampled_out(account: &ExportAccount) -> Cause {
    Cause::SampledOut {
        process: account.place(),
        spans: account.sampled_out,
        sampler: words::clean(&account.sampler),
    }
}
