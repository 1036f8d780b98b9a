//! The routing rules by which Telepresence leads traffic into its tables, one for each family of addresses. A daemon that ends by
//! itself removes both; one that is ended by force leaves them.

use std::fmt;

use super::answer;
use crate::tool::ToolPath;

/// Its tables: from 775 on, and each connection takes the next one that no rule leads to. The rule comes before all others that there
/// are, whatever their priorities (`openTable` in Telepresence's `pkg/routing`), and has no condition.
const TABLES: std::ops::Range<u32> = 770..1000;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V4,
    V6,
}

/// A rule that leads to one of Telepresence's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    pub(crate) family: Family,
    pub(crate) priority: u32,
}

impl Family {
    const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// As `ip` is told.
    const fn flag(self) -> &'static str {
        match self {
            Self::V4 => "-4",
            Self::V6 => "-6",
        }
    }
}

impl Rule {
    /// What `ip` has to be told to remove it.
    pub(crate) fn removal(self) -> [String; 5] {
        let priority = self.priority.to_string();
        [self.family.flag(), "rule", "del", "priority", &priority].map(str::to_owned)
    }

    /// As a word that a script can compare: `-4:32765`.
    pub(crate) fn word(self) -> String {
        format!("{}:{}", self.family.flag(), self.priority)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::V4 => write!(f, "{}", self.priority),
            Family::V6 => write!(f, "{} of IPv6", self.priority),
        }
    }
}

/// Those that there are; none where `ip` is missing.
pub(crate) async fn rules(tools: &ToolPath) -> Vec<Rule> {
    let mut found = Vec::new();
    for family in Family::ALL {
        let told = answer(tools, "ip", &[family.flag(), "rule"]).await;
        let priorities = priorities(&told.unwrap_or_default());
        found.extend(priorities.into_iter().map(|priority| Rule { family, priority }));
    }
    found
}

/// Priorities of the rules that lead to Telepresence's tables: `32765: from all lookup 775`.
fn priorities(rules: &str) -> Vec<u32> {
    let rule = |line: &str| {
        let (priority, rest) = line.split_once(':')?;
        let table: u32 = rest.trim().strip_prefix("from all lookup ")?.parse().ok()?;
        TABLES.contains(&table).then(|| priority.trim().parse().ok())?
    };
    rules.lines().filter_map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_telepresences_rules_are_seen_whatever_their_priorities() {
        let rules = "0:\tfrom all lookup local\n32764:\tfrom all lookup 776\n32765:\tfrom all lookup 775\n\
                     5209:\tfrom all lookup 841 \n32699:\tfrom all lookup 842\n\
                     5210:\tfrom all fwmark 0x80000/0xff0000 lookup 775\n32763:\tfrom all lookup 100\n\
                     32762:\tfrom 10.0.0.0/8 lookup 777\n32766:\tfrom all lookup main\n";
        assert_eq!(priorities(rules), [32_764, 32_765, 5_209, 32_699]);
        assert!(priorities("").is_empty());
    }

    #[test]
    fn a_rule_is_removed_from_its_own_family() {
        let of = |family| Rule {
            family,
            priority: 32_765,
        };
        assert_eq!(
            [of(Family::V4), of(Family::V6)].map(|rule| rule.removal().join(" ")),
            ["-4 rule del priority 32765", "-6 rule del priority 32765"]
        );
    }
}
