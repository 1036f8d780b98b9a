//! The body of a request to create an order: what it may be, and everything that is wrong with it at once.

use serde_json::{Map, Value};
use telemetry::problem::FieldError;

use crate::error::OrderError;

/// An order as it was asked for, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// Who orders.
    pub customer_id: String,
    /// What: a stock keeping unit.
    pub sku: String,
    /// How many pieces; 1 when the body does not say.
    pub quantity: u32,
}

impl NewOrder {
    /// Longest text that is taken for an id, in characters.
    pub const LONGEST: usize = 128;
    /// Most pieces in one order.
    pub const MOST: u32 = 1000;

    /// Reads a body. Fields that are not ours are passed over.
    ///
    /// # Errors
    /// [`OrderError::BadJson`] for what is no JSON, [`OrderError::Invalid`] for JSON that is no order.
    pub fn parse(body: &[u8]) -> Result<Self, OrderError> {
        let value: Value = serde_json::from_slice(body).map_err(|error| OrderError::BadJson {
            reason: error.to_string(),
        })?;
        let Value::Object(fields) = value else {
            let errors = vec![FieldError {
                pointer: "#".to_owned(),
                detail: "must be an object".to_owned(),
            }];
            return Err(OrderError::Invalid { errors });
        };
        let mut errors = Vec::new();
        let customer_id = text(&fields, "customer_id", &mut errors);
        let sku = text(&fields, "sku", &mut errors);
        let quantity = quantity(&fields, &mut errors);
        match (customer_id, sku, quantity) {
            (Some(customer_id), Some(sku), Some(quantity)) => Ok(Self {
                customer_id,
                sku,
                quantity,
            }),
            _ => Err(OrderError::Invalid { errors }),
        }
    }
}

fn text(fields: &Map<String, Value>, name: &str, errors: &mut Vec<FieldError>) -> Option<String> {
    let wrong = match fields.get(name) {
        None => "is missing".to_owned(),
        Some(Value::String(text)) if text.trim().is_empty() => "must not be empty".to_owned(),
        Some(Value::String(text)) if text.chars().count() > NewOrder::LONGEST => {
            format!("must not have more than {} characters", NewOrder::LONGEST)
        }
        Some(Value::String(text)) => return Some(text.clone()),
        Some(_) => "must be a string".to_owned(),
    };
    errors.push(FieldError {
        pointer: format!("#/{name}"),
        detail: wrong,
    });
    None
}

fn quantity(fields: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<u32> {
    let Some(value) = fields.get("quantity") else {
        return Some(1);
    };
    let quantity = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let quantity = quantity.filter(|number| (1..=NewOrder::MOST).contains(number));
    if quantity.is_none() {
        let detail = format!("must be a whole number from 1 to {}", NewOrder::MOST);
        errors.push(FieldError {
            pointer: "#/quantity".to_owned(),
            detail,
        });
    }
    quantity
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(quantity: u32) -> NewOrder {
        NewOrder {
            customer_id: "customer-42".to_owned(),
            sku: "WIDGET-001".to_owned(),
            quantity,
        }
    }

    #[test]
    fn one_piece_is_ordered_when_the_body_does_not_say() {
        let parsed = NewOrder::parse(br#"{"customer_id":"customer-42","sku":"WIDGET-001"}"#).unwrap();
        assert_eq!(parsed, order(1));
    }

    #[test]
    fn other_fields_are_passed_over() {
        let body = br#"{"customer_id":"customer-42","sku":"WIDGET-001","quantity":3,"note":"please"}"#;
        assert_eq!(NewOrder::parse(body).unwrap(), order(3));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let errors = match NewOrder::parse(br#"{"customer_id":" ","quantity":1.5}"#) {
            Err(OrderError::Invalid { errors }) => errors,
            other => panic!("{other:?}"),
        };
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error.pointer.as_str(), error.detail.as_str()))
            .collect();
        let expected = [
            ("#/customer_id", "must not be empty"),
            ("#/sku", "is missing"),
            ("#/quantity", "must be a whole number from 1 to 1000"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_json_is_told_apart_from_what_is_no_order() {
        assert!(matches!(
            NewOrder::parse(br#"{"customer_id":"#),
            Err(OrderError::BadJson { .. })
        ));
        assert!(matches!(NewOrder::parse(b""), Err(OrderError::BadJson { .. })));
        assert!(matches!(NewOrder::parse(b"[]"), Err(OrderError::Invalid { .. })));
        assert!(matches!(
            NewOrder::parse(b"null"),
            Err(OrderError::Invalid { .. })
        ));
    }

    #[test]
    fn quantities_have_bounds() {
        let with = |quantity: &str| {
            NewOrder::parse(format!(r#"{{"customer_id":"c","sku":"s","quantity":{quantity}}}"#).as_bytes())
        };
        for good in ["1", "1000"] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in ["0", "1001", "-1", "99999999999999999999", "\"1\"", "null"] {
            assert!(matches!(with(bad), Err(OrderError::Invalid { .. })), "{bad}");
        }
    }
}
