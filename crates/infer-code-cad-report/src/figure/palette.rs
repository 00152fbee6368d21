use std::fmt::Write as _;

use plotters::style::RGBColor;

/// A colour by day and by night.
struct Shade {
    light: (u8, u8, u8),
    dark: (u8, u8, u8),
}

const fn shade(light: (u8, u8, u8), dark: (u8, u8, u8)) -> Shade {
    Shade { light, dark }
}

/// Text, lines of the grid, the ground, quiet lines.
const INK: Shade = shade((31, 35, 40), (230, 237, 243));
const GRID: Shade = shade((225, 228, 232), (48, 54, 61));
const GROUND: Shade = shade((255, 255, 255), (22, 27, 34));
const QUIET: Shade = shade((101, 109, 118), (145, 152, 161));

/// The arms, by number; each stands out from its ground by day and by night.
const ARMS: [Shade; 8] = [
    shade((9, 105, 218), (88, 166, 255)),
    shade((188, 76, 0), (240, 136, 62)),
    shade((26, 127, 55), (63, 185, 80)),
    shade((130, 80, 223), (188, 140, 255)),
    shade((207, 34, 46), (255, 123, 114)),
    shade((154, 103, 0), (210, 153, 34)),
    shade((17, 122, 139), (57, 197, 207)),
    shade((191, 57, 137), (247, 120, 186)),
];

const fn colour(shade: &Shade) -> RGBColor {
    RGBColor(shade.light.0, shade.light.1, shade.light.2)
}

pub(super) const fn ink() -> RGBColor {
    colour(&INK)
}

pub(super) const fn grid() -> RGBColor {
    colour(&GRID)
}

pub(super) const fn ground() -> RGBColor {
    colour(&GROUND)
}

pub(super) const fn quiet() -> RGBColor {
    colour(&QUIET)
}

/// The colour of an arm; after eight they come again, and numbers tell them apart.
pub(super) fn of_arm(arm: usize) -> RGBColor {
    colour(&ARMS[arm % ARMS.len()])
}

/// The class of [`style_sheet`] that colours an arm's mark.
pub(crate) fn colour_class(arm: usize) -> String {
    format!("arm{}", arm % ARMS.len())
}

/// CSS for a page with drawings in it: marks of arms, and by night other colours for those that a drawing names
/// in its attributes, which any style outdoes.
pub(crate) fn style_sheet() -> String {
    let mut css = String::new();
    for (arm, shade) in ARMS.iter().enumerate() {
        let _ = writeln!(css, ".arm{arm}{{background:{}}}", hex(shade.light));
    }
    css += "@media (prefers-color-scheme:dark){\n";
    for (arm, shade) in ARMS.iter().enumerate() {
        let _ = writeln!(css, ".arm{arm}{{background:{}}}", hex(shade.dark));
    }
    css + &night() + "}\n"
}

/// The style of a drawing that stands alone.
pub(crate) fn dark_style() -> String {
    format!("<style>@media (prefers-color-scheme:dark){{\n{}}}</style>\n", night())
}

fn night() -> String {
    let mut css = String::new();
    for Shade { light, dark } in [INK, GRID, GROUND, QUIET].iter().chain(&ARMS) {
        let (light, dark) = (hex(*light), hex(*dark));
        let _ = writeln!(
            css,
            "svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    css
}

/// As the plotting library writes it.
fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}
