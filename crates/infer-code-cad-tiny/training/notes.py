"""Ordinary passages for the store: short notes on Python, written for this project."""

# (title, text)
NOTES = tuple(line.split(" | ") for line in """
sum | The built-in sum adds the items of an iterable, from left to right, and returns the total.
len | The built-in len returns how many items a container holds; for a string it counts characters.
max | The built-in max returns the largest item. With default it accepts an empty iterable, with key it compares derived values.
min | The built-in min returns the smallest item. The keyword default is the answer for an empty iterable.
sorted | The built-in sorted returns a new list in ascending order and leaves the input alone. It takes key and reverse.
reversed | The built-in reversed walks a sequence from its end; wrap it in list to get a list.
enumerate | The built-in enumerate yields pairs of position and item while you loop.
zip | The built-in zip walks several iterables together and stops at the shortest.
range | range counts from a start up to, but not including, a stop; a third argument is the step.
abs | The built-in abs drops the sign of a number.
any | The built-in any is true as soon as one item is true; it is false for an empty iterable.
all | The built-in all is true if no item is false; it is true for an empty iterable.
map | The built-in map calls a function on every item and yields what it returns.
filter | The built-in filter keeps the items for which a function returns a true value.
set | A set holds every value once and has no order. Turning a list into a set removes repeats.
dict.get | The method get returns the value of a key, or a default when the key is missing.
dict.items | The method items yields pairs of key and value in the order in which keys were added.
dict.setdefault | The method setdefault returns the value of a key and stores a default first when it is missing.
dict.values | The method values yields the values of a dictionary without their keys.
dict.keys | Looping over a dictionary yields its keys; the method keys does the same explicitly.
list.append | The method append adds one item at the end of a list and returns None.
list.extend | The method extend adds all items of another iterable at the end of a list.
list.count | The method count tells how often a value occurs in a list.
list.index | The method index returns the first position of a value and raises ValueError if there is none.
list.insert | The method insert puts an item before a given position.
list.pop | The method pop removes and returns an item, the last one unless a position is given.
list.sort | The method sort orders a list in place and returns None; use sorted for a new list.
list.reverse | The method reverse turns a list around in place.
str.split | The method split cuts a string at white space, or at a separator, and returns a list.
str.join | The method join puts a string between the items of a list of strings.
str.upper | The method upper returns a copy with all letters in uppercase.
str.lower | The method lower returns a copy with all letters in lowercase.
str.strip | The method strip removes white space from both ends of a string.
str.replace | The method replace returns a copy in which one substring stands for another.
str.startswith | The method startswith tells whether a string begins with a prefix or one of several.
str.endswith | The method endswith tells whether a string finishes with a suffix.
str.isdigit | The method isdigit is true for a non-empty string of digits.
str.isalpha | The method isalpha is true for a non-empty string of letters.
str.isupper | The method isupper is true if there are letters and all of them are uppercase.
str.swapcase | The method swapcase exchanges upper and lower case.
str.capitalize | The method capitalize makes the first letter uppercase and the rest lowercase.
str.count | The method count of a string counts occurrences that do not overlap.
str.zfill | The method zfill pads a number in a string with zeros on the left.
slices | A slice like xs[a:b] copies the items from position a up to b; a negative step walks backwards.
negative indexes | The index -1 is the last item of a sequence, -2 the one before.
list comprehension | A comprehension builds a list from a loop and a condition in one expression.
generator expression | A generator expression computes items one at a time and never builds the list.
dict comprehension | A comprehension with a colon builds a dictionary from keys and values.
conditional expression | The form a if test else b chooses one of two values.
lambda | A lambda is a small function written as one expression, often given as a key.
integer division | The operator // divides and rounds towards minus infinity.
remainder | The operator % gives the remainder; in Python it has the sign of the divisor.
divmod | The built-in divmod returns quotient and remainder together.
power | The operator ** raises to a power; pow takes a modulus as its third argument.
round | The built-in round goes to the nearest integer, and to the even one from halfway.
int | int reads an integer from a string, in another base if asked, and cuts a float towards zero.
str | str turns any value into text.
ord | The built-in ord gives the code point of a character.
chr | The built-in chr gives the character of a code point.
tuple | A tuple is a sequence that cannot be changed; a comma makes it.
unpacking | Several names on the left of an assignment take apart a sequence on the right.
truth value | Empty containers, zero and None count as false.
None | None stands for the absence of a value; test for it with is.
while | A while loop runs as long as its condition holds.
for | A for loop runs once for every item of an iterable.
break | The statement break leaves the nearest loop at once.
continue | The statement continue skips to the next round of a loop.
return | The statement return ends a function and hands back a value.
nested loops | A loop inside a loop visits every combination of two positions.
matrix rows | A grid is often a list of rows; zip with a star yields its columns.
stack | A list works as a stack: append pushes and pop takes the top.
queue | Removing the front of a list is slow; collections.deque is made for it.
Counter | collections.Counter counts hashable items and can list the most common.
defaultdict | collections.defaultdict creates missing values by calling a function.
itertools.groupby | groupby yields runs of neighbours that share a key; sort first to group all.
itertools.accumulate | accumulate yields running totals, or running results of another function.
itertools.combinations | combinations yields all ways to choose items without regard to order.
functools.reduce | reduce folds a sequence into one value with a function of two arguments.
math.gcd | math.gcd returns the greatest integer that divides both arguments.
math.sqrt | math.sqrt returns a float root; math.isqrt stays with integers.
copying | Assigning a list gives it a second name; a slice or list makes a copy.
equality | The operator == compares values, is compares identity.
membership | The operator in looks for an item; for a dictionary it looks at the keys.
chained comparison | A test such as low <= x <= high checks both ends.
string indexes | Strings can be indexed and sliced like lists but not changed.
palindromes | A text that equals its reverse reads the same both ways.
digits of a number | Turning a number into a string gives access to its digits one by one.
binary | The built-in bin writes an integer with the prefix 0b.
sorting by two keys | A key that returns a tuple sorts by its first part and breaks ties by its second.
stable sort | Items with equal keys keep the order they had before.
running maximum | Keep the best value so far in a variable and compare each new item with it.
empty input | Decide early what an empty input should give, and return it before the main loop.
flattening | A comprehension with two loops turns a list of lists into one list.
string building | Collect parts in a list and join them once, instead of adding strings in a loop.
""".strip().split("\n"))
NOTES = tuple((title, text) for title, text in NOTES)
