//! What is different in a cluster that others use too: node ports may be taken there, and images may have to be pulled.

use serde_json::Value;

use super::Object;

/// Turns node ports into addresses inside the cluster only; and lets nodes look for the services' images when `pulled`.
pub(crate) fn fit_into_a_shared_cluster(objects: &mut [Object], pulled: bool) {
    for object in objects {
        let service = object.kind() == "Service";
        let data = &mut object.object.data;
        if service {
            if let Some(spec) = data.pointer_mut("/spec").and_then(Value::as_object_mut) {
                spec.remove("type");
            }
            let ports = data.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
                port.remove("nodePort");
            }
        }
        let containers = data
            .pointer_mut("/spec/template/spec/containers")
            .and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if pulled && container["imagePullPolicy"] == "Never" {
                container["imagePullPolicy"] = "IfNotPresent".into();
            }
        }
    }
}
