/* Links, addresses and routes of the network namespace that the process is in. */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "network.h"

struct listing {
  napi_env env;
  napi_value array;
  uint32_t count;
  uint32_t index; /* only this interface; 0 for any */
  uint32_t table; /* only this table; 0 for any */
};

static void fill_request(struct ifreq *request, const char *name) {
  memset(request, 0, sizeof *request);
  memcpy(request->ifr_name, name, strlen(name));
}

/* One ioctl on an interface. 0 or errno. */
static int link_ioctl(unsigned long code, struct ifreq *request) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = ioctl(fd, code, request) == 0 ? 0 : errno;
  close(fd);
  return error;
}

static bool take_name(const struct call *call, char *name) {
  return take_text(call, 0, "name", name, IFNAMSIZ);
}

/* The index of an interface, or 0 with an exception pending. */
static uint32_t take_index(const struct call *call) {
  char name[IFNAMSIZ];
  if (!take_name(call, name)) return 0;
  uint32_t index = if_nametoindex(name);
  if (index == 0) throw_error(call->env, "if_nametoindex", ENODEV, name);
  return index;
}

static napi_value api_link_info(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  char name[IFNAMSIZ];
  struct ifreq mtu;
  struct ifreq flags;
  napi_value out;
  if (!take_name(&call, name)) return NULL;
  fill_request(&mtu, name);
  fill_request(&flags, name);
  uint32_t index = if_nametoindex(name);
  if (index == 0 || link_ioctl(SIOCGIFMTU, &mtu) != 0 || link_ioctl(SIOCGIFFLAGS, &flags) != 0) return make_undefined(env);
  napi_create_object(env, &out);
  set_field(env, out, "index", make_int(env, index));
  set_field(env, out, "mtu", make_int(env, mtu.ifr_mtu));
  set_field(env, out, "up", make_bool(env, (flags.ifr_flags & IFF_UP) != 0));
  return out;
}

static napi_value set_up(napi_env env, const char *name, bool up) {
  struct ifreq request;
  fill_request(&request, name);
  int error = link_ioctl(SIOCGIFFLAGS, &request);
  if (error != 0) return throw_error(env, "SIOCGIFFLAGS", error, name);
  if (up) request.ifr_flags |= IFF_UP;
  else request.ifr_flags &= (short)~IFF_UP;
  error = link_ioctl(SIOCSIFFLAGS, &request);
  return error == 0 ? make_undefined(env) : throw_error(env, "SIOCSIFFLAGS", error, name);
}

static napi_value api_link_set(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  char name[IFNAMSIZ];
  struct ifreq request;
  int64_t mtu;
  bool up;
  bool has_up = false;
  napi_value key;
  if (!take_name(&call, name) || !field_int(env, call.values[1], "mtu", -1, INT32_MAX, &mtu)) return NULL;
  if (!field_bool(env, call.values[1], "up", &up)) return NULL;
  if (mtu >= 0) {
    fill_request(&request, name);
    request.ifr_mtu = (int)mtu;
    int error = link_ioctl(SIOCSIFMTU, &request);
    if (error != 0) return throw_error(env, "SIOCSIFMTU", error, name);
  }
  if (napi_get_named_property(env, call.values[1], "up", &key) == napi_ok) {
    napi_valuetype type;
    has_up = napi_typeof(env, key, &type) == napi_ok && type == napi_boolean;
  }
  return has_up ? set_up(env, name, up) : make_undefined(env);
}

static napi_value api_delete_link(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct netlink_request request;
  uint32_t index = take_index(&call);
  if (index == 0) return NULL;
  struct ifinfomsg *body = netlink_begin(&request, RTM_DELLINK, NLM_F_ACK, sizeof *body);
  body->ifi_index = (int)index;
  int error = netlink_run(&request, NULL, NULL);
  return error == 0 ? make_undefined(env) : throw_error(env, "RTM_DELLINK", error, NULL);
}

static uint8_t family_of(size_t bytes) { return bytes == 16 ? AF_INET6 : bytes == 4 ? AF_INET : 0; }

static napi_value change_address(napi_env env, napi_callback_info info, uint16_t type, uint16_t flags) {
  struct call call = call_read(env, info);
  struct netlink_request request;
  uint8_t *address;
  size_t bytes;
  int32_t prefix_length;
  if (!take_bytes(&call, 1, "address", &address, &bytes) || !take_int(&call, 2, "prefixLength", &prefix_length)) return NULL;
  if (family_of(bytes) == 0) return throw_type(env, "address", "4 or 16 bytes");
  if (prefix_length < 0 || prefix_length > (int32_t)bytes * 8) return throw_type(env, "prefixLength", "a prefix length of its family");
  uint32_t index = take_index(&call);
  if (index == 0) return NULL;
  struct ifaddrmsg *body = netlink_begin(&request, type, flags | NLM_F_ACK, sizeof *body);
  body->ifa_family = family_of(bytes);
  body->ifa_prefixlen = (uint8_t)prefix_length;
  body->ifa_index = index;
  /* The interface is ours alone, so nobody else can have the address: no duplicate address detection. */
  body->ifa_flags = type == RTM_NEWADDR && bytes == 16 ? IFA_F_NODAD : 0;
  netlink_put(&request, IFA_LOCAL, address, bytes);
  netlink_put(&request, IFA_ADDRESS, address, bytes);
  int error = netlink_run(&request, NULL, NULL);
  if (error == 0) return make_undefined(env);
  return throw_error(env, type == RTM_NEWADDR ? "RTM_NEWADDR" : "RTM_DELADDR", error, NULL);
}

static napi_value api_address_add(napi_env env, napi_callback_info info) {
  return change_address(env, info, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

static napi_value api_address_remove(napi_env env, napi_callback_info info) {
  return change_address(env, info, RTM_DELADDR, 0);
}

static uint32_t interface_of(const struct nlmsghdr *message) {
  return message->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifaddrmsg)) ? 0 : ((const struct ifaddrmsg *)NLMSG_DATA(message))->ifa_index;
}

static void add_to_listing(const struct nlmsghdr *message, void *data) {
  struct listing *listing = data;
  if (listing->index != 0 && interface_of(message) != listing->index) return;
  if (message->nlmsg_type == RTM_NEWROUTE && listing->table != 0) {
    const struct rtattr *attributes[RTA_TABLE + 1];
    netlink_attributes(message, sizeof(struct rtmsg), attributes, RTA_TABLE + 1);
    if (netlink_u32(attributes[RTA_TABLE]) != listing->table) return;
  }
  napi_value object = network_object(listing->env, message);
  if (object != NULL) napi_set_element(listing->env, listing->array, listing->count++, object);
}

static napi_value api_address_list(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct netlink_request request;
  struct listing listing = {.env = env};
  napi_valuetype type;
  napi_typeof(env, call.values[0], &type);
  if (type != napi_undefined && (listing.index = take_index(&call)) == 0) return NULL;
  napi_create_array(env, &listing.array);
  netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
  int error = netlink_run(&request, add_to_listing, &listing);
  return error == 0 ? listing.array : throw_error(env, "RTM_GETADDR", error, NULL);
}

static void put_metrics(struct netlink_request *request, uint32_t mtu) {
  struct {
    struct rtattr header;
    uint32_t value;
  } metric = {{.rta_len = RTA_LENGTH(4), .rta_type = RTAX_MTU}, mtu};
  netlink_put(request, RTA_METRICS, &metric, sizeof metric);
}

static napi_value change_route(napi_env env, napi_callback_info info, uint16_t type, uint16_t flags) {
  struct call call = call_read(env, info);
  struct netlink_request request;
  uint8_t *destination;
  uint8_t *gateway;
  uint8_t *source;
  size_t bytes;
  size_t gateway_bytes;
  size_t source_bytes;
  int64_t prefix_length;
  int64_t index;
  int64_t table;
  int64_t metric;
  int64_t mtu;
  napi_value route = call.values[0];
  if (!field_bytes(env, route, "destination", &destination, &bytes) ||
      !field_bytes(env, route, "gateway", &gateway, &gateway_bytes) ||
      !field_bytes(env, route, "source", &source, &source_bytes) ||
      !field_int(env, route, "prefixLength", -1, INT32_MAX, &prefix_length) || !field_int(env, route, "interfaceIndex", 0, INT32_MAX, &index) ||
      !field_int(env, route, "table", RT_TABLE_MAIN, UINT32_MAX, &table) || !field_int(env, route, "metric", 0, UINT32_MAX, &metric) ||
      !field_int(env, route, "mtu", 0, UINT32_MAX, &mtu)) {
    return NULL;
  }
  if (family_of(bytes) == 0) return throw_type(env, "destination", "4 or 16 bytes");
  if (prefix_length < 0 || prefix_length > (int64_t)bytes * 8) return throw_type(env, "prefixLength", "a prefix length of its family");
  if (gateway_bytes != 0 && gateway_bytes != bytes) return throw_type(env, "gateway", "an address of the destination's family");
  if (source_bytes != 0 && source_bytes != bytes) return throw_type(env, "source", "an address of the destination's family");
  struct rtmsg *body = netlink_begin(&request, type, flags | NLM_F_ACK, sizeof *body);
  const bool adding = type == RTM_NEWROUTE;
  body->rtm_family = family_of(bytes);
  body->rtm_dst_len = (uint8_t)prefix_length;
  body->rtm_table = RT_TABLE_UNSPEC;
  body->rtm_protocol = adding ? RTPROT_STATIC : 0;
  body->rtm_type = adding ? RTN_UNICAST : 0;
  body->rtm_scope = !adding ? RT_SCOPE_NOWHERE : gateway_bytes == 0 && bytes == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const uint32_t words[] = {(uint32_t)table, (uint32_t)index, (uint32_t)metric};
  netlink_put(&request, RTA_TABLE, &words[0], 4);
  if (prefix_length > 0) netlink_put(&request, RTA_DST, destination, bytes);
  if (index != 0) netlink_put(&request, RTA_OIF, &words[1], 4);
  if (metric != 0) netlink_put(&request, RTA_PRIORITY, &words[2], 4);
  if (gateway_bytes != 0) netlink_put(&request, RTA_GATEWAY, gateway, bytes);
  if (source_bytes != 0) netlink_put(&request, RTA_PREFSRC, source, bytes);
  if (mtu != 0) put_metrics(&request, (uint32_t)mtu);
  int error = netlink_run(&request, NULL, NULL);
  return error == 0 ? make_undefined(env) : throw_error(env, adding ? "RTM_NEWROUTE" : "RTM_DELROUTE", error, NULL);
}

static napi_value api_route_add(napi_env env, napi_callback_info info) {
  return change_route(env, info, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

static napi_value api_route_remove(napi_env env, napi_callback_info info) {
  return change_route(env, info, RTM_DELROUTE, 0);
}

static napi_value api_route_list(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct netlink_request request;
  struct listing listing = {.env = env};
  int64_t table;
  if (!field_int(env, call.values[0], "table", 0, UINT32_MAX, &table)) return NULL;
  listing.table = (uint32_t)table;
  napi_create_array(env, &listing.array);
  netlink_begin(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
  int error = netlink_run(&request, add_to_listing, &listing);
  return error == 0 ? listing.array : throw_error(env, "RTM_GETROUTE", error, NULL);
}

static napi_value api_peer_credentials(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  int32_t fd;
  napi_value out;
  if (!take_int(&call, 0, "fd", &fd)) return NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return throw_error(env, "getsockopt", errno, "SO_PEERCRED");
  napi_create_object(env, &out);
  set_field(env, out, "pid", make_int(env, credentials.pid));
  set_field(env, out, "uid", make_int(env, credentials.uid));
  set_field(env, out, "gid", make_int(env, credentials.gid));
  return out;
}

void network_register(napi_env env, napi_value exports) {
  set_method(env, exports, "linkInfo", api_link_info, NULL);
  set_method(env, exports, "linkSet", api_link_set, NULL);
  set_method(env, exports, "deleteLink", api_delete_link, NULL);
  set_method(env, exports, "addressAdd", api_address_add, NULL);
  set_method(env, exports, "addressRemove", api_address_remove, NULL);
  set_method(env, exports, "addressList", api_address_list, NULL);
  set_method(env, exports, "routeAdd", api_route_add, NULL);
  set_method(env, exports, "routeRemove", api_route_remove, NULL);
  set_method(env, exports, "routeList", api_route_list, NULL);
  set_method(env, exports, "watchNetwork", network_watch, NULL);
  set_method(env, exports, "peerCredentials", api_peer_credentials, NULL);
}
