import numpy
assert numpy.ones((200, 200)).dot(numpy.ones((200, 200)))[0, 0] == 200
assert numpy.linalg.inv(numpy.eye(3)).sum() == 3
