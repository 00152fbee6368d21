use proptest::prelude::*;

use super::*;

fn text(html: &str) -> String {
    let page = Page::parse(html);
    page.text(&[0], &|_| false)
}

#[test]
fn blocks_lists_and_tables() {
    let html = "<h1>Title<a class=headerlink>¶</a></h1><p>One\n  <em>two</em>&nbsp;&amp; three<p>Next<br>line\
        <ul><li>a<li><p>b</p><p>c</p><ul><li>d</ul></ul>\
        <table><tr><th>x<th>y<tr><td><p>1</p><p>2</p><td>3</table>\
        <script>if (a < b) { '<p>' }</script><dl><dt>f(x)<dd>Says <code>hi</code>.</dl>";
    let expected = "Title\n\nOne two & three\n\nNext\nline\n\n* a\n* b\n\n  c\n\n  * d\n\nx | y\n1 2 | 3\n\nf(x)\n    Says hi.";
    assert_eq!(text(html), expected);
}

#[test]
fn code_stands_between_fences() {
    let html = "<p>Do:</p><div class='highlight-python3 notranslate'><div class=highlight><pre><span></span>\
        <b>def</b> f():\n    return 1\n\nx</pre></div></div><p>then</p><ul><li><pre>a\n b</pre></ul><pre>```</pre>";
    let expected = "Do:\n\n```python\ndef f():\n    return 1\n\nx\n```\n\nthen\n\n*\n  ```\n  a\n   b\n  ```\n\n````\n```\n````";
    assert_eq!(text(html), expected);
    assert_eq!(text("<pre><code class='language-rust'>fn</code></pre>"), "```rust\nfn\n```");
}

#[test]
fn tags_that_nothing_opens_or_closes_cost_nothing() {
    assert_eq!(text("</p></div>a<b>b</i>c"), "abc");
    assert_eq!(text("<div><p>a<div>b</div>c"), "a\n\nb\n\nc");
    assert_eq!(text("<p>a</span></p>b"), "a\n\nb");
    assert_eq!(text("<"), "<");
}

#[test]
fn anchors_name_definitions_headings_and_sections() {
    let html = "<section id=s><h2>S</h2><p>in s</p><section id=t><h3>T</h3><p>in t</p></section></section>\
        <dl><dt id=f>f(x)<dt>f(x, y)<dd>Does f.<dl><dt id=g>g()<dd>Does g.</dl></dl>\
        <dl><dt id=p>p<dt id=q>q<dd>Both.</dl><h4 id=h>H</h4><p>in h</p><h4>I</h4>";
    let page = Page::parse(html);
    let extents: Vec<Extent> = ["s", "t", "f", "g", "p", "q", "h"]
        .iter()
        .map(|id| page.extent(page.anchor(id).unwrap()).unwrap())
        .collect();
    let texts = page.texts(&extents);
    assert_eq!(
        texts,
        ["in s", "in t", "f(x, y)\n\n    Does f.", "    Does g.", "    Both.", "    Both.", "in h"]
    );
    assert_eq!(page.line(extents[1].head), "T");
    assert_eq!(page.headings(extents[1].head), ["S", "T"]);
}

#[test]
fn deep_nesting_is_flattened() {
    let page = Page::parse(&("<div>".repeat(100_000) + "x" + &"</b>".repeat(100_000)));
    let depth = page.ancestors(page.nodes.len() - 1).count();
    assert_eq!(depth, DEPTH);
    assert_eq!(text(&("<ul><li>".repeat(50_000) + "x")).trim_start_matches(['*', ' ', '\n']), "x");
}

proptest! {
    #[test]
    fn any_text_is_a_page(html in "(<(/)?(p|div|dl|dt|dd|li|ul|pre|table|tr|td|section|h2|br|script)( id=a)?/?>|a|&lt;|\n|<!--|\"){0,60}") {
        let page = Page::parse(&html);
        let extents = page.sections();
        page.texts(&extents);
        if let Some(extent) = page.anchor("a").and_then(|anchor| page.extent(anchor)) {
            page.texts(&[extent.clone(), extent]);
        }
    }
}
