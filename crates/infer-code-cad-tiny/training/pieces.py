"""The vocabulary of the pipeline families: filters, maps and reductions with their wording and their code.

Fields in braces: {x} the element, {xs} the first argument, {k} and {ch} a literal or a second argument,
{items} "the even numbers in xs", {bare} the same without "the", {obj} "each of them", {gen} a generator's inside,
{lst} a list expression, {d} a default, {n} a small literal.
"""

# (id, adjective or None, wordings after "that", code)
NUMBER_FILTERS = (
    ("even", "even", ("are even", "can be divided by two"), "{x} % 2 == 0"),
    ("odd", "odd", ("are odd",), "{x} % 2 == 1"),
    ("pos", "positive", ("are positive", "are above zero"), "{x} > 0"),
    ("neg", "negative", ("are negative", "are below zero"), "{x} < 0"),
    ("nonzero", "non-zero", ("are not zero",), "{x} != 0"),
    ("gt", None, ("are greater than {k}", "exceed {k}", "are larger than {k}"), "{x} > {k}"),
    ("lt", None, ("are less than {k}", "are smaller than {k}", "are below {k}"), "{x} < {k}"),
    ("ge", None, ("are at least {k}", "are not less than {k}"), "{x} >= {k}"),
    ("le", None, ("are at most {k}", "are not greater than {k}"), "{x} <= {k}"),
    ("div", None, ("are divisible by {k}", "are multiples of {k}"), "{x} % {k} == 0"),
    ("ndiv", None, ("are not divisible by {k}", "are not multiples of {k}"), "{x} % {k} != 0"),
    ("rem", None, ("leave remainder 1 when divided by {k}",), "{x} % {k} == 1"),
    ("ends", None, ("end in the digit {k}", "have the last digit {k}"), "abs({x}) % 10 == {k}"),
    ("two", "two-digit", ("have two digits",), "10 <= abs({x}) <= 99"),
    ("absgt", None, ("have an absolute value above {k}", "are more than {k} away from zero"), "abs({x}) > {k}"),
    ("upto", None, ("lie between 0 and {k}", "are from 0 to {k} inclusive"), "0 <= {x} <= {k}"),
    ("ne", None, ("differ from {k}", "are not equal to {k}"), "{x} != {k}"),
    ("dsum", None, ("have an even digit sum",), "sum(map(int, str(abs({x})))) % 2 == 0"),
)
LIST_FILTERS = NUMBER_FILTERS + (
    ("dup", "repeated", ("occur more than once",), "{xs}.count({x}) > 1"),
    ("once", None, ("occur exactly once", "have no duplicate"), "{xs}.count({x}) == 1"),
)

# (id, noun form, imperative form, code, type of the result)
NUMBER_MAPS = (
    ("square", "the squares of {items}", "square {obj}", "{x} * {x}", "n"),
    ("cube", "the cubes of {items}", "cube {obj}", "{x} ** 3", "n"),
    ("double", "the doubles of {items}", "double {obj}", "2 * {x}", "n"),
    ("half", "the halves of {items}, rounded down", "halve {obj}, rounding down", "{x} // 2", "n"),
    ("abs", "the absolute values of {items}", "take the absolute value of {obj}", "abs({x})", "n"),
    ("minus", "the negatives of {items}", "flip the sign of {obj}", "-{x}", "n"),
    ("last", "the last digits of {items}", "take the last digit of {obj}", "abs({x}) % 10", "n"),
    ("plus", "{items}, each increased by {k}", "add {k} to {obj}", "{x} + {k}", "n"),
    ("less", "{items}, each decreased by {k}", "subtract {k} from {obj}", "{x} - {k}", "n"),
    ("times", "{items}, each multiplied by {k}", "multiply {obj} by {k}", "{x} * {k}", "n"),
    ("mod", "the remainders of {items} modulo {k}", "take the remainder of {obj} modulo {k}", "{x} % {k}", "n"),
    ("dist", "the distances of {items} from {k}", "take the distance from {k} to {obj}", "abs({x} - {k})", "n"),
    ("cap", "{items}, each capped at {k}", "cap {obj} at {k}", "min({x}, {k})", "n"),
    ("floor", "{items}, each raised to at least {k}", "raise {obj} to at least {k}", "max({x}, {k})", "n"),
    ("dsum", "the digit sums of {items}", "take the digit sum of {obj}", "sum(map(int, str(abs({x}))))", "n"),
    ("digits", "the digit counts of {items}", "count the digits of {obj}", "len(str(abs({x})))", "n"),
)

# (id, noun form, imperative form, code lines, accepted type, accumulator loop or None)
# Accepted type: "n" numbers, "s" strings, "*" both, "-" only without a map.
SUM_LOOP = ("total = 0", "total += {e}", "return total")
COUNT_LOOP = ("count = 0", "count += 1", "return count")
LIST_LOOP = ("result = []", "result.append({e})", "return result")
TEXT_LOOP = ('result = ""', "result += {e}", "return result")
NUMBER_REDUCES = (
    ("sum", "the sum of {items}", "return the sum", ("return sum({gen})",), "n", SUM_LOOP),
    ("count", "the number of {bare}", "return how many there are", ("return len({lst})",), "-", COUNT_LOOP),
    (
        "prod",
        "the product of {items}",
        "return the product",
        None,
        "n",
        ("result = 1", "result *= {e}", "return result"),
    ),
    (
        "max",
        "the largest of {items}, or {d} if there is none",
        "return the largest result, or {d} if there is none",
        ("return max({lst}, default={d})",),
        "n",
        None,
    ),
    (
        "min",
        "the smallest of {items}, or {d} if there is none",
        "return the smallest result, or {d} if there is none",
        ("return min({lst}, default={d})",),
        "n",
        None,
    ),
    (
        "mean",
        "the average of {items}, or {d} if there is none",
        "return the average, or {d} if there is none",
        ("ys = {lst}", "return sum(ys) / len(ys) if ys else {d}"),
        "n",
        None,
    ),
    (
        "spread",
        "the largest minus the smallest of {items}, or {d} if there is none",
        "return the largest minus the smallest result, or {d} if there is none",
        ("ys = {lst}", "return max(ys) - min(ys) if ys else {d}"),
        "n",
        None,
    ),
    (
        "second",
        "the second largest of {items}, or {d} if there are fewer than two",
        "return the second largest result, or {d} if there are fewer than two",
        ("ys = sorted({gen})", "return ys[-2] if len(ys) > 1 else {d}"),
        "n",
        None,
    ),
    (
        "topk",
        "the {n} largest of {items}",
        "return the {n} largest results",
        ("return sorted({lst}, reverse=True)[:{n}]",),
        "n",
        None,
    ),
    (
        "desc",
        "{items} in descending order",
        "return the results in descending order",
        ("return sorted({lst}, reverse=True)",),
        "n",
        None,
    ),
    (
        "cumsum",
        "the running sums of {items}",
        "return the list of running sums",
        ("total = 0", "result = []", "for y in {lst}:", "    total += y", "    result.append(total)", "return result"),
        "n",
        None,
    ),
    (
        "altsum",
        "the alternating sum of {items}",
        "add and subtract the results in turn and return the total",
        ("total = 0", "sign = 1", "for y in {lst}:", "    total += sign * y", "    sign = -sign", "return total"),
        "n",
        None,
    ),
    (
        "evensum",
        "whether the sum of {items} is even",
        "return whether the sum is even",
        ("return sum({gen}) % 2 == 0",),
        "n",
        None,
    ),
)
COMMON_REDUCES = (
    ("list", "a list of {items}", "return the results as a list", ("return {lst}",), "*", LIST_LOOP),
    (
        "sorted",
        "{items} in ascending order",
        "return the results in ascending order",
        ("return sorted({gen})",),
        "*",
        None,
    ),
    (
        "rev",
        "a list of {items} in reverse order",
        "return the results in reverse order",
        ("return {lst}[::-1]",),
        "*",
        None,
    ),
    (
        "uniq",
        "the distinct values among {items} in ascending order",
        "return the distinct results in ascending order",
        ("return sorted(set({gen}))",),
        "*",
        None,
    ),
    (
        "ndist",
        "the number of distinct values among {items}",
        "return how many distinct results there are",
        ("return len(set({gen}))",),
        "*",
        None,
    ),
    (
        "first",
        "the first of {items}, or {d} if there is none",
        "return the first result, or {d} if there is none",
        None,
        "*",
        (None, "return {e}", "return {d}"),
    ),
    (
        "final",
        "the last of {items}, or {d} if there is none",
        "return the last result, or {d} if there is none",
        ("ys = {lst}", "return ys[-1] if ys else {d}"),
        "*",
        None,
    ),
    ("firstn", "the first {n} of {items}", "return the first {n} results", ("return {lst}[:{n}]",), "*", None),
    ("lastn", "the last {n} of {items}", "return the last {n} results", ("return {lst}[-{n}:]",), "*", None),
    ("any", "whether there are any {bare}", "return whether there are any", ("return len({lst}) > 0",), "-", None),
    (
        "tally",
        "a dictionary that counts {items}",
        "count how often each result occurs in a dictionary and return it",
        ("counts = {}", "for y in {lst}:", "    counts[y] = counts.get(y, 0) + 1", "return counts"),
        "*",
        None,
    ),
)
TEXT_REDUCES = (
    ("count", "the number of {bare}", "return how many there are", ("return len({lst})",), "-", COUNT_LOOP),
    (
        "join",
        "{items} joined into one string",
        "return the results joined into one string",
        ('return "".join({gen})',),
        "s",
        TEXT_LOOP,
    ),
    (
        "dash",
        "{items} joined with dashes",
        "return the results joined with dashes",
        ('return "-".join({gen})',),
        "s",
        None,
    ),
    ("sum", "the sum of {items}", "return the sum", ("return sum({gen})",), "n", SUM_LOOP),
    (
        "max",
        "the largest of {items}, or {d} if there is none",
        "return the largest result, or {d} if there is none",
        ("return max({lst}, default={d})",),
        "n",
        None,
    ),
    (
        "min",
        "the smallest of {items}, or {d} if there is none",
        "return the smallest result, or {d} if there is none",
        ("return min({lst}, default={d})",),
        "n",
        None,
    ),
)

CHAR_FILTERS = (
    ("vowel", None, ("are vowels",), '{x}.lower() in "aeiou"'),
    ("nvowel", None, ("are not vowels",), '{x}.lower() not in "aeiou"'),
    ("upper", "uppercase", ("are uppercase",), "{x}.isupper()"),
    ("lower", "lowercase", ("are lowercase",), "{x}.islower()"),
    ("digit", None, ("are digits",), "{x}.isdigit()"),
    ("ndigit", None, ("are not digits",), "not {x}.isdigit()"),
    ("alpha", None, ("are letters",), "{x}.isalpha()"),
    ("punct", None, ("are neither letters nor digits",), "not {x}.isalnum()"),
    ("nspace", None, ("are not spaces",), '{x} != " "'),
    ("is", None, ("are equal to {ch}",), "{x} == {ch}"),
    ("isnot", None, ("differ from {ch}", "are not {ch}"), "{x} != {ch}"),
    ("before", None, ("come before {ch}", "are smaller than {ch}"), "{x} < {ch}"),
    ("dup", "repeated", ("occur more than once",), "{xs}.count({x}) > 1"),
    ("once", None, ("occur exactly once", "have no duplicate"), "{xs}.count({x}) == 1"),
)
CHAR_MAPS = (
    ("upper", "{items} in uppercase", "turn {obj} into uppercase", "{x}.upper()", "s"),
    ("lower", "{items} in lowercase", "turn {obj} into lowercase", "{x}.lower()", "s"),
    ("swap", "{items} with their case swapped", "swap the case of {obj}", "{x}.swapcase()", "s"),
    ("twice", "{items}, each written twice", "write {obj} twice", "{x} * 2", "s"),
    ("after", "{items}, each followed by {ch}", "put {ch} after {obj}", "{x} + {ch}", "s"),
    ("next", "{items}, each moved one code point up", "move {obj} one code point up", "chr(ord({x}) + 1)", "s"),
    ("ord", "the code points of {items}", "take the code point of {obj}", "ord({x})", "n"),
    (
        "mask",
        "{items}, with {ch} for each digit",
        "write {ch} for {obj} that is a digit",
        "{ch} if {x}.isdigit() else {x}",
        "s",
    ),
)
CHAR_REDUCES = (
    TEXT_REDUCES
    + COMMON_REDUCES
    + (
        (
            "backward",
            "{items} joined in reverse order",
            "return the results joined in reverse order",
            ('return "".join({lst}[::-1])',),
            "s",
            None,
        ),
        (
            "ordered",
            "{items} sorted and joined",
            "return the results sorted and joined",
            ('return "".join(sorted({gen}))',),
            "s",
            None,
        ),
        (
            "common",
            "the most frequent of {items}, or {d} if there is none",
            "return the most frequent result, or {d} if there is none",
            ("ys = {lst}", "return max(ys, key=ys.count) if ys else {d}"),
            "s",
            None,
        ),
    )
)

WORD_FILTERS = (
    ("longer", None, ("have more than {k} letters", "are longer than {k} letters"), "len({x}) > {k}"),
    ("shorter", None, ("have fewer than {k} letters", "are shorter than {k} letters"), "len({x}) < {k}"),
    ("len", None, ("have exactly {k} letters",), "len({x}) == {k}"),
    ("evenlen", None, ("have an even length",), "len({x}) % 2 == 0"),
    ("start", None, ("start with {ch}", "begin with {ch}"), "{x}.startswith({ch})"),
    ("nstart", None, ("do not start with {ch}",), "not {x}.startswith({ch})"),
    ("end", None, ("end with {ch}",), "{x}.endswith({ch})"),
    ("has", None, ("contain {ch}",), "{ch} in {x}"),
    ("hasnot", None, ("do not contain {ch}", "lack {ch}"), "{ch} not in {x}"),
    ("vstart", None, ("start with a vowel",), '{x}[0].lower() in "aeiou"'),
    ("pal", None, ("are palindromes", "read the same backwards"), "{x} == {x}[::-1]"),
    ("cap", "capitalised", ("start with a capital letter",), "{x}[0].isupper()"),
    ("same", None, ("have equal first and last letters",), "{x}[0] == {x}[-1]"),
    ("low", "lowercase", ("are all lowercase",), "{x}.islower()"),
)
WORD_MAPS = (
    ("upper", "{items} in uppercase", "turn {obj} into uppercase", "{x}.upper()", "s"),
    ("lower", "{items} in lowercase", "turn {obj} into lowercase", "{x}.lower()", "s"),
    ("title", "{items}, each capitalised", "capitalise {obj}", "{x}.capitalize()", "s"),
    ("back", "{items}, each written backwards", "reverse {obj}", "{x}[::-1]", "s"),
    ("head", "the first letters of {items}", "take the first letter of {obj}", "{x}[0]", "s"),
    ("tail", "the last letters of {items}", "take the last letter of {obj}", "{x}[-1]", "s"),
    ("rest", "{items}, each without its first letter", "drop the first letter of {obj}", "{x}[1:]", "s"),
    ("prefix", "the first {k} letters of {items}", "take the first {k} letters of {obj}", "{x}[:{k}]", "s"),
    ("add", "{items}, each followed by {ch}", "put {ch} after {obj}", "{x} + {ch}", "s"),
    ("strip", "{items} without the letter {ch}", "delete the letter {ch} from {obj}", '{x}.replace({ch}, "")', "s"),
    ("letters", "{items} with their letters sorted", "sort the letters of {obj}", '"".join(sorted({x}))', "s"),
    ("len", "the lengths of {items}", "take the length of {obj}", "len({x})", "n"),
    ("num", "the numbers of {ch} in {items}", "count {ch} in {obj}", "{x}.count({ch})", "n"),
)
WORD_REDUCES = (
    TEXT_REDUCES
    + COMMON_REDUCES
    + (
        (
            "space",
            "{items} joined with spaces",
            "return the results joined with spaces",
            ('return " ".join({gen})',),
            "s",
            None,
        ),
        (
            "longest",
            "the longest of {items}, or {d} if there is none",
            "return the longest result, or {d} if there is none",
            ("return max({lst}, key=len, default={d})",),
            "s",
            None,
        ),
        (
            "shortest",
            "the shortest of {items}, or {d} if there is none",
            "return the shortest result, or {d} if there is none",
            ("return min({lst}, key=len, default={d})",),
            "s",
            None,
        ),
        (
            "bylen",
            "{items} sorted by length",
            "return the results sorted by length",
            ("return sorted({lst}, key=len)",),
            "s",
            None,
        ),
    )
)

ROW_FILTERS = (
    ("sumgt", None, ("have a sum above {k}", "add up to more than {k}"), "sum({x}) > {k}"),
    ("sumlt", None, ("have a sum below {k}", "add up to less than {k}"), "sum({x}) < {k}"),
    ("sumeven", None, ("have an even sum",), "sum({x}) % 2 == 0"),
    ("has", None, ("contain {k}",), "{k} in {x}"),
    ("hasnot", None, ("do not contain {k}",), "{k} not in {x}"),
    ("headpos", None, ("start with a positive number",), "{x}[0] > 0"),
    ("allpos", None, ("hold only positive numbers",), "all(v > 0 for v in {x})"),
    ("anyneg", None, ("hold a negative number",), "any(v < 0 for v in {x})"),
    ("sorted", "sorted", ("are in ascending order",), "list({x}) == sorted({x})"),
)
ROW_MAPS = (
    ("sum", "the sums of {items}", "take the sum of {obj}", "sum({x})", "n"),
    ("max", "the maxima of {items}", "take the maximum of {obj}", "max({x})", "n"),
    ("min", "the minima of {items}", "take the minimum of {obj}", "min({x})", "n"),
    ("head", "the first entries of {items}", "take the first entry of {obj}", "{x}[0]", "n"),
    ("tail", "the last entries of {items}", "take the last entry of {obj}", "{x}[-1]", "n"),
    ("times", "the numbers of {k} in {items}", "count {k} in {obj}", "{x}.count({k})", "n"),
    ("spread", "the ranges of {items}", "take the maximum minus the minimum of {obj}", "max({x}) - min({x})", "n"),
    (
        "evens",
        "the numbers of even entries in {items}",
        "count the even entries of {obj}",
        "sum(v % 2 == 0 for v in {x})",
        "n",
    ),
)
