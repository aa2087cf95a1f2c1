-- Work for the Lua interpreter: several small programs, each with a checksum of its results.
-- The argument is the scale; 20 takes a second or two natively. Without setjmp (see ../corpus)
-- there are neither errors to catch nor coroutines.
local scale = tonumber(arg and arg[1]) or 1

local state = 42
local function random(n)
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % n
end

local function queens(n)
  local count = 0
  local columns, up, down = {}, {}, {}
  local function place(row)
    if row > n then
      count = count + 1
      return
    end
    for column = 1, n do
      if not columns[column] and not up[row + column] and not down[row - column + n] then
        columns[column], up[row + column], down[row - column + n] = true, true, true
        place(row + 1)
        columns[column], up[row + column], down[row - column + n] = nil, nil, nil
      end
    end
  end
  place(1)
  return count
end

local function trees(depth)
  local function make(d)
    if d == 0 then return {} end
    return {make(d - 1), make(d - 1)}
  end
  local function check(tree)
    if not tree[1] then return 1 end
    return 1 + check(tree[1]) + check(tree[2])
  end
  local sum = 0
  for _ = 1, 4 do sum = sum + check(make(depth)) end
  return sum
end

local function spectral(n)
  local function a(i, j) return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1) end
  local u = {}
  for i = 0, n - 1 do u[i] = 1.0 end
  local function multiply(v, transposed)
    local result = {}
    for i = 0, n - 1 do
      local sum = 0.0
      for j = 0, n - 1 do sum = sum + (transposed and a(j, i) or a(i, j)) * v[j] end
      result[i] = sum
    end
    return result
  end
  local v
  for _ = 1, 5 do
    v = multiply(multiply(u), true)
    u = multiply(multiply(v), true)
  end
  local vbv, vv = 0.0, 0.0
  for i = 0, n - 1 do
    vbv = vbv + u[i] * v[i]
    vv = vv + v[i] * v[i]
  end
  return string.format("%.9f", (vbv / vv) ^ 0.5)
end

local function sieve(n)
  local composite, count = {}, 0
  for i = 2, n do
    if not composite[i] then
      count = count + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count
end

local function words(n)
  local counts, parts = {}, {}
  for i = 1, n do
    local word = string.char(97 + random(26), 97 + random(26)) .. random(50)
    parts[i] = word
    counts[word] = (counts[word] or 0) + 1
  end
  local text = table.concat(parts, " ")
  local upper = 0
  for _ in text:gmatch("[aeiou]%a%d+") do upper = upper + 1 end
  local replaced, times = text:gsub("(%a)(%a)", "%2%1")
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(x, y)
    if counts[x] ~= counts[y] then return counts[x] > counts[y] end
    return x < y
  end)
  return #keys .. " " .. keys[1] .. " " .. counts[keys[1]] .. " " .. upper .. " " .. times .. " " ..
    #replaced
end

local Shape = {}
Shape.__index = Shape
function Shape.new(side) return setmetatable({side = side}, Shape) end
function Shape:area() return self.side * self.side end
function Shape:grow(by) self.side = (self.side + by) % 1000 end

local function objects(n)
  local shapes = {}
  for i = 1, 100 do shapes[i] = Shape.new(i) end
  local sum = 0
  for i = 1, n do
    local shape = shapes[i % 100 + 1]
    shape:grow(i % 7)
    sum = (sum + shape:area()) % 1000000007
  end
  return sum
end

print("queens", queens(8 + (scale > 4 and 1 or 0)))
print("trees", trees(12 + (scale > 4 and 2 or 0)))
print("spectral", spectral(30 * scale))
print("sieve", sieve(100000 * scale))
print("words", words(20000 * scale))
print("objects", objects(300000 * scale))
