//! The resource that every span of the process carries: variables of the specification first, then flags, then defaults.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use crate::config::Site;
use crate::names::{self, vars};

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

/// Builds the resource.
#[must_use]
pub fn resource(defaults: Defaults<'_>, lookup: &dyn Fn(&str) -> Option<String>) -> Resource {
    let set = |key: &str| lookup(key).filter(|value| !value.is_empty());
    let mut attributes = vec![
        KeyValue::new(names::SERVICE_NAME, defaults.name.to_owned()),
        KeyValue::new(names::SERVICE_VERSION, defaults.version.to_owned()),
        KeyValue::new(names::SERVICE_INSTANCE_ID, defaults.instance_id.to_owned()),
        KeyValue::new(names::PROCESS_PID, i64::from(defaults.pid)),
    ];
    if let Some(site) = defaults.site {
        attributes.push(KeyValue::new(names::SITE, site.to_string()));
    }
    let given = set(vars::RESOURCE_ATTRIBUTES).unwrap_or_default();
    attributes.extend(given.split(',').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some(KeyValue::new(key.trim().to_owned(), value.trim().to_owned()))
    }));
    if let Some(name) = set(vars::SERVICE_NAME) {
        attributes.push(KeyValue::new(names::SERVICE_NAME, name));
    }
    let environment = |name: &str| {
        attributes
            .iter()
            .rev()
            .find(|kv| kv.key.as_str() == name)
            .map(|kv| kv.value.clone())
    };
    let old: Option<Value> = environment(names::DEPLOYMENT_ENVIRONMENT);
    let new: Option<Value> = environment(names::DEPLOYMENT_ENVIRONMENT_NAME);
    match (old, new) {
        (Some(value), None) => attributes.push(KeyValue::new(names::DEPLOYMENT_ENVIRONMENT_NAME, value)),
        (None, Some(value)) => attributes.push(KeyValue::new(names::DEPLOYMENT_ENVIRONMENT, value)),
        _ => {}
    }
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes)
        .build()
}
