//! The main proof: cluster and workstation spans of an intercepted order share one trace.

use std::time::Duration;

use futures_util::FutureExt as _;
use testbed::{Disturbance, Selection};

use super::{CauseKind, Fault, Judged, Scenario, Twin, topology};
use crate::caller::Order;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "intercepted_order_is_one_trace",
    about: "storefront@cluster → order-service@workstation → inventory-service@cluster, one trace",
    needs: &[],
    play: |stage| {
        async move {
            stage.intercept(Selection::All).await?;
            let order = stage.order(Order::known()).await;
            stage
                .judge("order", order, topology::served_on_the_workstation())
                .await
        }
        .boxed_local()
    },
    twins: &[
        Twin {
            name: "intercept_off",
            fault: Fault::NoIntercept,
            judged: Judged::Fails(CauseKind::WrongSite),
        },
        Twin {
            name: "propagation_stripped_in_order_service",
            fault: Fault::Workstation(&[("THROUGHLINE_FAULT", "drop-traceparent")]),
            judged: Judged::Fails(CauseKind::HeaderLost),
        },
        Twin {
            name: "propagation_stripped_on_the_way",
            fault: Fault::Path(Disturbance::StripTraceContext),
            judged: Judged::Fails(CauseKind::HeaderLost),
        },
        Twin {
            name: "wrong_propagator",
            fault: Fault::Workstation(&[("OTEL_PROPAGATORS", "b3")]),
            judged: Judged::Fails(CauseKind::OtherPropagator),
        },
        Twin {
            name: "context_lost_inside_order_service",
            fault: Fault::Workstation(&[("THROUGHLINE_FAULT", "lose-context")]),
            judged: Judged::Fails(CauseKind::ContextLost),
        },
        Twin {
            name: "sampled_out",
            fault: Fault::Workstation(&[("OTEL_TRACES_SAMPLER", "always_off")]),
            judged: Judged::Fails(CauseKind::SampledOut),
        },
        Twin {
            name: "exporter_silent",
            fault: Fault::Workstation(&[("OTEL_TRACES_EXPORTER", "none")]),
            judged: Judged::Fails(CauseKind::NeverExported),
        },
        Twin {
            name: "export_refused",
            // Nothing listens on the discard port of loopback; the short limit ends the exporter's retries.
            fault: Fault::Workstation(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
            ]),
            judged: Judged::Fails(CauseKind::ExportRefused),
        },
        Twin {
            name: "spans_lost",
            fault: Fault::Workstation(&[("THROUGHLINE_FAULT", "lose-spans")]),
            judged: Judged::Fails(CauseKind::LostAfterExport),
        },
        Twin {
            name: "spans_late",
            fault: Fault::Workstation(&[("OTEL_BSP_SCHEDULE_DELAY", "1500")]),
            judged: Judged::PassesAfter(Duration::from_millis(500)),
        },
        Twin {
            name: "spans_resent",
            fault: Fault::Workstation(&[("THROUGHLINE_FAULT", "export-twice")]),
            judged: Judged::Passes,
        },
        Twin {
            name: "request_replayed",
            fault: Fault::Path(Disturbance::Replay),
            judged: Judged::Fails(CauseKind::HandledTwice),
        },
        Twin {
            name: "workstation_gone",
            fault: Fault::WorkstationGone,
            judged: Judged::Fails(CauseKind::Unreachable),
        },
    ],
};
