//! The resource that every span of the process carries: variables of the OpenTelemetry specification first, then flags,
//! then what the service knows of itself.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use crate::config::Site;
use crate::names::{self, vars};
use crate::settings::{Ignored, Lookup};

/// What a service knows of itself before it looks at the environment.
#[derive(Debug, Clone, Copy)]
pub struct Defaults<'a> {
    /// `service.name`.
    pub name: &'a str,
    /// `service.version`.
    pub version: &'a str,
    /// `service.instance.id`.
    pub instance_id: &'a str,
    /// `throughline.site`, from the flag.
    pub site: Option<Site>,
    /// `process.pid`.
    pub pid: u32,
}

/// Builds the resource. What can't be used is added to `ignored`.
#[must_use]
pub fn resource(defaults: Defaults<'_>, lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Resource {
    let mut texts = BTreeMap::from([
        (names::SERVICE_NAME.to_owned(), defaults.name.to_owned()),
        (names::SERVICE_VERSION.to_owned(), defaults.version.to_owned()),
        (
            names::SERVICE_INSTANCE_ID.to_owned(),
            defaults.instance_id.to_owned(),
        ),
    ]);
    if let Some(site) = defaults.site {
        texts.insert(names::SITE.to_owned(), site.to_string());
    }
    if let Some(list) = lookup(vars::RESOURCE_ATTRIBUTES).filter(|list| !list.trim().is_empty()) {
        match attributes(&list) {
            // A pid from outside would be about another process than this one; an unknown site would be about none.
            Some(given) => texts.extend(given.into_iter().filter(|(key, value)| match key.as_str() {
                names::PROCESS_PID => false,
                names::SITE => {
                    let known = <Site as clap::ValueEnum>::from_str(value, false).is_ok();
                    if !known {
                        let expected = "`throughline.site` is `cluster` or `workstation`";
                        let value = format!("{key}={value}");
                        ignored.push(Ignored {
                            variable: vars::RESOURCE_ATTRIBUTES,
                            value,
                            expected,
                        });
                    }
                    known
                }
                _ => true,
            })),
            None => {
                let expected = "`key=value,…` with values percent-encoded";
                ignored.push(Ignored {
                    variable: vars::RESOURCE_ATTRIBUTES,
                    value: list,
                    expected,
                });
            }
        }
    }
    if let Some(name) = lookup(vars::SERVICE_NAME).filter(|name| !name.is_empty()) {
        texts.insert(names::SERVICE_NAME.to_owned(), name);
    }
    let [old, new] = [names::DEPLOYMENT_ENVIRONMENT, names::DEPLOYMENT_ENVIRONMENT_NAME];
    for (from, to) in [(old, new), (new, old)] {
        if let (Some(value), false) = (texts.get(from).cloned(), texts.contains_key(to)) {
            texts.insert(to.to_owned(), value);
        }
    }
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(texts.into_iter().map(|(key, value)| KeyValue::new(key, value)))
        .with_attribute(KeyValue::new(names::PROCESS_PID, i64::from(defaults.pid)))
        .build()
}

/// Reads `key=value,…`. One bad entry spoils the whole list, as the OpenTelemetry resource specification wants it; an
/// attribute that is missing without a word is harder to find than a list that is refused.
fn attributes(list: &str) -> Option<Vec<(String, String)>> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (key, value) = entry.split_once('=')?;
            let (key, value) = (decoded(key.trim())?, decoded(value.trim())?);
            (!key.is_empty()).then_some((key, value))
        })
        .collect()
}

/// Undoes percent-encoding (RFC 3986, section 2.1). `None` for a bad escape or what is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::Key;
    use rstest::rstest;

    const DEFAULTS: Defaults<'_> = Defaults {
        name: "order-service",
        version: "0.1.0",
        instance_id: "i-1",
        site: None,
        pid: 4711,
    };

    fn with(defaults: Defaults<'_>, table: &[(&str, &str)]) -> (Resource, Vec<Ignored>) {
        let mut ignored = Vec::new();
        let lookup = |key: &str| {
            table
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        };
        (resource(defaults, &lookup, &mut ignored), ignored)
    }

    fn text(resource: &Resource, key: &'static str) -> Option<String> {
        resource.get(&Key::new(key)).map(|value| value.to_string())
    }

    #[test]
    fn a_service_knows_its_name_version_instance_and_pid() {
        let (resource, _) = with(DEFAULTS, &[]);
        assert_eq!(
            text(&resource, names::SERVICE_NAME).as_deref(),
            Some("order-service")
        );
        assert_eq!(text(&resource, names::SERVICE_VERSION).as_deref(), Some("0.1.0"));
        assert_eq!(
            text(&resource, names::SERVICE_INSTANCE_ID).as_deref(),
            Some("i-1")
        );
        assert_eq!(resource.get(&Key::new(names::PROCESS_PID)), Some(4711_i64.into()));
        assert_eq!(text(&resource, "telemetry.sdk.language").as_deref(), Some("rust"));
        assert_eq!(text(&resource, names::SITE), None);
        assert_eq!(text(&resource, names::DEPLOYMENT_ENVIRONMENT), None);
    }

    #[test]
    fn variables_win_over_flags_and_the_service_name_over_the_list() {
        let defaults = Defaults {
            site: Some(Site::Cluster),
            ..DEFAULTS
        };
        let list =
            "service.version=local-debug,throughline.site=workstation,service.name=from-list,process.pid=1";
        let table = [
            ("OTEL_RESOURCE_ATTRIBUTES", list),
            ("OTEL_SERVICE_NAME", "orders"),
        ];
        let (resource, ignored) = with(defaults, &table);
        assert_eq!(
            text(&resource, names::SERVICE_VERSION).as_deref(),
            Some("local-debug")
        );
        assert_eq!(text(&resource, names::SITE).as_deref(), Some("workstation"));
        assert_eq!(text(&resource, names::SERVICE_NAME).as_deref(), Some("orders"));
        assert_eq!(resource.get(&Key::new(names::PROCESS_PID)), Some(4711_i64.into()));
        assert_eq!(ignored, []);
    }

    #[test]
    fn the_flag_names_the_site_when_no_variable_does() {
        let (resource, _) = with(
            Defaults {
                site: Some(Site::Cluster),
                ..DEFAULTS
            },
            &[],
        );
        assert_eq!(text(&resource, names::SITE).as_deref(), Some("cluster"));
    }

    #[rstest]
    #[case::old("deployment.environment=debug", "debug", "debug")]
    #[case::new("deployment.environment.name=debug", "debug", "debug")]
    #[case::both("deployment.environment=a,deployment.environment.name=b", "a", "b")]
    fn both_names_of_the_deployment_environment_are_there(
        #[case] list: &str,
        #[case] old: &str,
        #[case] new: &str,
    ) {
        let (resource, _) = with(DEFAULTS, &[("OTEL_RESOURCE_ATTRIBUTES", list)]);
        assert_eq!(
            text(&resource, names::DEPLOYMENT_ENVIRONMENT).as_deref(),
            Some(old)
        );
        assert_eq!(
            text(&resource, names::DEPLOYMENT_ENVIRONMENT_NAME).as_deref(),
            Some(new)
        );
    }

    #[test]
    fn values_are_percent_decoded() {
        let (resource, _) = with(
            DEFAULTS,
            &[("OTEL_RESOURCE_ATTRIBUTES", " team = a%2Cb%3dc%20%c3%bc , ")],
        );
        assert_eq!(text(&resource, "team").as_deref(), Some("a,b=c ü"));
    }

    #[rstest]
    #[case("a=b,c")]
    #[case("a=%zz")]
    #[case("a=%2")]
    #[case("a=%ff")]
    #[case("=b")]
    fn a_bad_entry_spoils_the_list_and_is_told(#[case] list: &str) {
        let all = format!("service.version=9,{list}");
        let (resource, ignored) = with(DEFAULTS, &[("OTEL_RESOURCE_ATTRIBUTES", &all)]);
        assert_eq!(text(&resource, names::SERVICE_VERSION).as_deref(), Some("0.1.0"));
        assert_eq!(ignored.len(), 1);
    }

    #[test]
    fn an_unknown_site_is_told_and_left_out() {
        let (resource, ignored) = with(
            DEFAULTS,
            &[("OTEL_RESOURCE_ATTRIBUTES", "throughline.site=moon,a=b")],
        );
        assert_eq!(text(&resource, names::SITE), None);
        assert_eq!(text(&resource, "a").as_deref(), Some("b"));
        assert_eq!(ignored[0].value, "throughline.site=moon");
    }
}
