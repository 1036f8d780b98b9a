//! Parameters that are wrong, and which of several is named.

use super::{Case, get};

const SEARCH: [&str; 54] = [
    "",
    "service=s&start=x",
    "service=s&end=x",
    "service=s&limit=x",
    "service=s&limit=99999999999",
    "service=s&limit=0",
    "service=s&limit=-1",
    "service=s&limit=1000000",
    "service=s&limit=+5",
    "service=s&limit=%2B5",
    "service=s&limit=1_0",
    "service=s&minDuration=20",
    "service=s&minDuration=20x",
    "service=s&minDuration=x",
    "service=s&minDuration=1h2",
    "service=s&minDuration=-",
    "service=s&maxDuration=.s",
    "service=s&minDuration=9223372036854775808ns",
    "service=s&minDuration=2s&maxDuration=1s",
    "minDuration=2s&maxDuration=1s",
    "service=s&tag=k",
    "service=s&tag=",
    "service=s&tags=x",
    "service=s&tags=",
    "service=s&tags=%5B1%5D",
    "service=s&tags=%7B%22a%22:1%7D",
    "service=s&tags=%7B%22a%22:1.5%7D",
    "service=s&tags=%7B%22a%22:true%7D",
    "service=s&tags=%7B%22a%22:%7B%7D%7D",
    "service=s&tags=%7B%22a%22:%5B%5D%7D",
    "service=s&tags=%7B%22a%22:",
    "service=s&tags=%7B%22a%22%7D",
    "service=s&tags=%7B%22a%22:null%7D",
    "service=s&tags=%7B%27a%27:1%7D",
    "service=s&tags=%22a%22",
    "service=s&tags=%7B%22a%22+1%7D",
    "service=s&tags=%7B%22a%22:%221%22+%22b%22%7D",
    "service=s&tags=%7B%7D%7D",
    "service=s&tags=%7B,%7D",
    "service=s&tags=true",
    "service=s&tags=tru",
    "service=s&tags=trux",
    "service=s&tags=12",
    "service=s&traceID=zz",
    "service=s&traceID=",
    "traceID=00112233445566778899aabbccddeeff00",
    "traceID=ff&minDuration=x",
    "service=s&raw=maybe",
    "service=s&start=99999999999999999999",
    "service=s&end=x&start=y",
    "service=s&limit=x&tag=k",
    "service=s&raw=x&traceID=zz",
    "service=s;tag=k",
    "service=s&%zz=1&limit=%zz",
];

const TRACE: [&str; 6] = [
    "0",
    "00112233445566778899aabbccddeeff00",
    "00112233445566778g9aabbccddeeff0",
    "ff?raw=x",
    "ff?start=x",
    "ff?end=x&raw=x",
];

const METRICS: [&str; 9] = [
    "calls",
    "latencies",
    "latencies?service=x",
    "calls?service=x&spanKind=foo",
    "errors?service=x&groupByOperation=foo",
    "calls?service=x&step=foo",
    "calls?service=x&endTs=foo",
    "calls?service=x&lookback=foo",
    "calls?service=x&ratePer=foo&step=foo",
];

const V3: [&str; 6] = [
    "query.num_traces=x",
    "query.duration_min=7",
    "query.duration_max=x",
    "query.raw_traces=x",
    "query.num_traces=0",
    "query.num_traces=1000000",
];

const TIMES: [&str; 16] = [
    "x",
    "2025",
    "2025-13-24T16:00:00Z",
    "2025-00-24T16:00:00Z",
    "2025-02-30T16:00:00Z",
    "2025-11-24+16:00:00Z",
    "2025-11-24T16:00:00",
    "2025-11-24T16:00:00Zx",
    "2025-11-24T24:00:00Z",
    "2025-11-24T16:60:00Z",
    "2025-11-24T16:00:61Z",
    "2025-11-24T16:00:00%2B25:00",
    "2025-11-24T16:00:00%2B02:00",
    "2025-11-24t16:00:00z",
    "2025-11-24T1:00:00Z",
    "2025-11-24T16:00:00.Z",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        get("/api/operations"),
        get("/api/metrics/calls?service=x").differs("the message was reworded after 2.13"),
        get("/api/v3/traces").differs("2.20 names the parameters in camel case"),
        get("/api/v3/traces/ff"),
        get("/api/v3/traces/00112233445566778899aabbccddeeff00"),
        get("/api/v3/traces/ff?start_time=x"),
        get("/api/v3/traces/ff?end_time=2025-11-24T16:00:00"),
        get("/api/v3/traces/ff?raw_traces=x"),
    ];
    cases.extend(SEARCH.iter().map(|query| get(format!("/api/traces?{query}"))));
    cases.extend(TRACE.iter().map(|id| get(format!("/api/traces/{id}"))));
    for id in ["zz", "+1", "1_0", "zz?start=x"] {
        cases.push(get(format!("/api/traces/{id}")).differs("2.20 takes base64 in a path, and these are"));
    }
    cases.extend(METRICS.iter().map(|query| get(format!("/api/metrics/{query}"))));
    let window = "query.start_time_min=2025-11-24T16:00:00Z&query.start_time_max=2025-11-24T16:00:02Z";
    cases.extend(
        V3.iter()
            .map(|query| get(format!("/api/v3/traces?{window}&{query}"))),
    );
    for time in TIMES {
        let window = format!("query.start_time_min={time}&query.start_time_max=2025-11-24T15:00:00Z");
        cases.push(get(format!("/api/v3/traces?{window}&query.num_traces=1")));
    }
    cases
}
