//! Who runs where, and what to try next.

use testbed::Tell;
use trace::ExportAccount;

use crate::accounts;
use crate::bed::Bed;
use crate::scenario::topology::{CUSTOMER, IN_STOCK, INVENTORY, ORDER, STOREFRONT};

/// The map of an environment. `workstation` is the base URL of the process there, when there is one.
pub(super) async fn draw(bed: &Bed, workstation: Option<&str>) -> String {
    let accountant = bed.environment.accountant();
    let mut accounts = accounts::ask(&accountant, &bed.http, workstation, Tell::Now).await;
    let order = |account: &ExportAccount| {
        let path = [STOREFRONT, ORDER, INVENTORY];
        path.iter()
            .position(|service| *service == account.service.as_str())
    };
    accounts.sort_by_key(|account| (order(account), account.site));
    page(&accounts, &bed.endpoints.storefront, &bed.endpoints.jaeger)
}

fn page(accounts: &[ExportAccount], storefront: &str, jaeger: &str) -> String {
    let mut map = String::from("who runs where\n");
    for account in accounts {
        let url = if account.service.as_str() == STOREFRONT {
            storefront
        } else {
            ""
        };
        let line = format!(
            "  {:<18}  {:<12}  pid {:<8}  {:<12}  {url}",
            account.service.as_str(),
            account.site.as_str(),
            account.pid,
            account.version,
        );
        map.push_str(line.trim_end());
        map.push('\n');
    }
    let body = format!(r#"{{"customer_id":"{CUSTOMER}","sku":"{IN_STOCK}","quantity":1}}"#);
    map.push_str(&format!(
        "  {:<18}  {:<12}  {:<12}  {:<12}  {jaeger}\n\
         try `order`, or from another terminal\n  \
         curl -s {storefront}/checkout -H 'content-type: application/json' -d '{body}'\n\
         then `intercept` and `order` again; `help` lists the commands, `quit` or Ctrl-C undoes everything",
        "Jaeger", "", "", ""
    ));
    map
}

#[cfg(test)]
mod tests {
    use trace::Site;

    use super::*;

    #[test]
    fn the_map_names_every_process_and_the_next_command() {
        let account = |service: &str, site, version: &str, pid| ExportAccount {
            service: service.into(),
            site,
            version: version.to_owned(),
            pid,
            exporter: "otlp".to_owned(),
            propagators: Vec::new(),
            sampler: String::new(),
            sampled_out: 0,
            started: 0,
            exported: 0,
            failed: 0,
            last_error: None,
        };
        let accounts = [
            account(STOREFRONT, Site::Cluster, "0.1.0", 811),
            account(ORDER, Site::Cluster, "0.1.0", 812),
            account(ORDER, Site::Workstation, "local-debug", 4711),
            account(INVENTORY, Site::Cluster, "0.1.0", 813),
        ];
        insta::assert_snapshot!(page(
            &accounts,
            "http://127.0.0.1:36379",
            "http://127.0.0.1:37311"
        ));
    }
}
