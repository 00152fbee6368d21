use std::collections::{HashMap, HashSet};

use super::{NodeId, Page};

/// What an anchor stands for: the elements that hold its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Extent {
    /// A signature or a heading, which makes the title.
    pub(in crate::source) head: NodeId,
    /// What is said of it.
    pub(in crate::source) body: Vec<NodeId>,
}

impl Page {
    /// The text of each extent. What is in several is told by the innermost alone.
    pub(in crate::source) fn texts(&self, extents: &[Extent]) -> Vec<String> {
        let mut inward: Vec<&Extent> = extents.iter().collect();
        inward.sort_by_key(|extent| extent.head);
        let mut owners: HashMap<NodeId, NodeId> = HashMap::new();
        for extent in inward {
            owners
                .extend(extent.body.iter().chain([&extent.head]).map(|node| (*node, extent.head)));
        }
        let own = |extent: &Extent| {
            let own = |node: &&NodeId| {
                owners.get(*node).is_some_and(|owner| self.share(*owner, extent.head))
            };
            let body: Vec<NodeId> = extent.body.iter().filter(own).copied().collect();
            self.text(&body, &|node| owners.contains_key(&node))
        };
        extents.iter().map(own).collect()
    }

    /// Whether they are one, or terms of one list, which may have a definition together.
    fn share(&self, one: NodeId, other: NodeId) -> bool {
        let (a, b) = (&self.nodes[one], &self.nodes[other]);
        one == other || a.name == "dt" && b.name == "dt" && a.parent == b.parent
    }

    /// The text that an element with an anchor is there for: with a term its definition, with a heading all up to the
    /// next one of its rank, with a section the whole of it. `None` for the page as a whole.
    pub(in crate::source) fn extent(&self, anchor: NodeId) -> Option<Extent> {
        let around =
            std::iter::once(anchor).chain(self.ancestors(anchor)).take_while(|node| *node != 0);
        for node in around {
            let element = &self.nodes[node];
            if element.name == "dt" {
                return Some(self.definition(node));
            }
            if element.heading().is_some() {
                return Some(self.under_heading(node));
            }
            if element.is_section() {
                return Some(self.section(node));
            }
            if matches!(element.name.as_str(), "dd" | "li" | "p" | "table" | "tr") {
                return Some(Extent { head: node, body: vec![node] });
            }
        }
        None
    }

    /// A `dt`, the ones after it without an anchor (more signatures of the same), and their `dd`.
    pub(in crate::source) fn definition(&self, dt: NodeId) -> Extent {
        let mut body = Vec::new();
        for node in self.following(dt) {
            match self.nodes[node].name.as_str() {
                "dt" if self.nodes[node].id.is_empty() => body.push(node),
                // Terms that share one definition.
                "dt" | "" => {}
                "dd" => {
                    body.push(node);
                    break;
                }
                _ => break,
            }
        }
        Extent { head: dt, body }
    }

    fn under_heading(&self, heading: NodeId) -> Extent {
        let rank = self.nodes[heading].heading();
        let ends =
            |node: &NodeId| self.nodes[*node].heading().is_some_and(|other| Some(other) <= rank);
        Extent {
            head: heading,
            body: self.following(heading).take_while(|node| !ends(node)).collect(),
        }
    }

    fn section(&self, section: NodeId) -> Extent {
        let head = self.head(section);
        let children = self.nodes[section].children.iter().copied();
        Extent { head, body: children.filter(|child| *child != head).collect() }
    }

    /// The heading of a section, or itself where it has none.
    fn head(&self, section: NodeId) -> NodeId {
        let mut children = self.nodes[section].children.iter().copied();
        children.find(|child| self.nodes[*child].heading().is_some()).unwrap_or(section)
    }

    /// The page's sections, each without those in it; of a page without any, the part that is no frame.
    pub(in crate::source) fn sections(&self) -> Vec<Extent> {
        let all = 1..self.nodes.len();
        let sections: Vec<NodeId> =
            all.clone().filter(|node| self.nodes[*node].is_section()).collect();
        if !sections.is_empty() {
            return sections.into_iter().map(|section| self.section(section)).collect();
        }
        let is = |name: &'static str| all.clone().find(|node| self.nodes[*node].name == name);
        let body = is("main").or_else(|| is("article")).or_else(|| is("body")).unwrap_or(0);
        let heading = all.clone().find(|node| self.nodes[*node].heading().is_some());
        vec![Extent { head: heading.unwrap_or(0), body: vec![body] }]
    }

    /// The headings of the sections around a node and its own, from the page's down.
    pub(in crate::source) fn headings(&self, head: NodeId) -> Vec<String> {
        let around = std::iter::once(head).chain(self.ancestors(head));
        let sections = around.filter(|node| self.nodes[*node].is_section());
        let heads: Vec<NodeId> = sections.map(|section| self.head(section)).collect();
        let mut seen = HashSet::new();
        let heads = heads.into_iter().chain([head]).filter(|head| seen.insert(*head) && *head != 0);
        let mut titles: Vec<String> = heads
            .filter(|head| self.nodes[*head].heading().is_some())
            .map(|head| self.line(head))
            .collect();
        titles.reverse();
        titles
    }
}
