#include <net/if.h>
#include <string.h>

#include "network.h"

static napi_value object_of(napi_env env, const char *kind) {
  napi_value out;
  napi_create_object(env, &out);
  set_field(env, out, "kind", make_text(env, kind));
  return out;
}

static void set_bytes(napi_env env, napi_value object, const char *name, const struct rtattr *attribute) {
  if (attribute == NULL) return;
  set_field(env, object, name, make_bytes(env, RTA_DATA(attribute), netlink_attribute_bytes(attribute)));
}

static napi_value link_object(napi_env env, const struct nlmsghdr *message) {
  const struct ifinfomsg *link = NLMSG_DATA(message);
  const struct rtattr *attributes[IFLA_MTU + 1];
  char name[IFNAMSIZ + 1] = {0};
  /* What a bridge tells of its ports sounds alike: leaving one is no end of an interface. */
  if (link->ifi_family != AF_UNSPEC) return NULL;
  netlink_attributes(message, sizeof *link, attributes, IFLA_MTU + 1);
  const struct rtattr *attribute = attributes[IFLA_IFNAME];
  if (attribute != NULL) {
    size_t bytes = netlink_attribute_bytes(attribute);
    memcpy(name, RTA_DATA(attribute), bytes < IFNAMSIZ ? bytes : IFNAMSIZ);
  }
  napi_value out = object_of(env, "link");
  set_field(env, out, "index", make_int(env, link->ifi_index));
  set_field(env, out, "name", make_text(env, name));
  set_field(env, out, "mtu", make_int(env, netlink_u32(attributes[IFLA_MTU])));
  set_field(env, out, "up", make_bool(env, (link->ifi_flags & IFF_UP) != 0));
  set_field(env, out, "running", make_bool(env, (link->ifi_flags & IFF_RUNNING) != 0));
  set_field(env, out, "removed", make_bool(env, message->nlmsg_type == RTM_DELLINK));
  return out;
}

static napi_value address_object(napi_env env, const struct nlmsghdr *message) {
  const struct ifaddrmsg *address = NLMSG_DATA(message);
  const struct rtattr *attributes[IFA_FLAGS + 1];
  netlink_attributes(message, sizeof *address, attributes, IFA_FLAGS + 1);
  /* On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL, where there is one, is ours. */
  const struct rtattr *local = attributes[IFA_LOCAL] != NULL ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
  if (local == NULL) return NULL;
  napi_value out = object_of(env, "address");
  set_field(env, out, "index", make_int(env, address->ifa_index));
  set_bytes(env, out, "address", local);
  set_field(env, out, "prefixLength", make_int(env, address->ifa_prefixlen));
  set_field(env, out, "scope", make_int(env, address->ifa_scope));
  set_field(env, out, "temporary", make_bool(env, (netlink_u32(attributes[IFA_FLAGS]) & IFA_F_TEMPORARY) != 0));
  set_field(env, out, "removed", make_bool(env, message->nlmsg_type == RTM_DELADDR));
  return out;
}

static uint32_t metric_mtu(const struct rtattr *metrics) {
  if (metrics == NULL) return 0;
  size_t left = netlink_attribute_bytes(metrics);
  for (const struct rtattr *at = RTA_DATA(metrics); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    if (at->rta_type == RTAX_MTU) return netlink_u32(at);
  }
  return 0;
}

static napi_value route_object(napi_env env, const struct nlmsghdr *message) {
  const struct rtmsg *route = NLMSG_DATA(message);
  const struct rtattr *attributes[RTA_TABLE + 1];
  const uint8_t zeros[16] = {0};
  size_t bytes = route->rtm_family == AF_INET6 ? 16 : 4;
  if (route->rtm_family != AF_INET && route->rtm_family != AF_INET6) return NULL;
  /* Cloned routes are the kernel's cache, not configuration. */
  if ((route->rtm_flags & RTM_F_CLONED) != 0) return NULL;
  netlink_attributes(message, sizeof *route, attributes, RTA_TABLE + 1);
  napi_value out = object_of(env, "route");
  set_field(env, out, "destination", make_bytes(env, zeros, bytes));
  set_bytes(env, out, "destination", attributes[RTA_DST]);
  set_field(env, out, "prefixLength", make_int(env, route->rtm_dst_len));
  set_field(env, out, "table", make_int(env, attributes[RTA_TABLE] != NULL ? netlink_u32(attributes[RTA_TABLE]) : route->rtm_table));
  set_field(env, out, "index", make_int(env, netlink_u32(attributes[RTA_OIF])));
  set_field(env, out, "metric", make_int(env, netlink_u32(attributes[RTA_PRIORITY])));
  set_field(env, out, "mtu", make_int(env, metric_mtu(attributes[RTA_METRICS])));
  set_field(env, out, "type", make_int(env, route->rtm_type));
  set_field(env, out, "removed", make_bool(env, message->nlmsg_type == RTM_DELROUTE));
  set_bytes(env, out, "gateway", attributes[RTA_GATEWAY]);
  set_bytes(env, out, "source", attributes[RTA_PREFSRC]);
  return out;
}

static size_t body_bytes(uint16_t type) {
  if (type == RTM_NEWLINK || type == RTM_DELLINK) return sizeof(struct ifinfomsg);
  if (type == RTM_NEWADDR || type == RTM_DELADDR) return sizeof(struct ifaddrmsg);
  return sizeof(struct rtmsg);
}

napi_value network_object(napi_env env, const struct nlmsghdr *message) {
  uint16_t type = message->nlmsg_type;
  if (message->nlmsg_len < NLMSG_LENGTH(body_bytes(type))) return NULL;
  if (type == RTM_NEWLINK || type == RTM_DELLINK) return link_object(env, message);
  if (type == RTM_NEWADDR || type == RTM_DELADDR) return address_object(env, message);
  if (type == RTM_NEWROUTE || type == RTM_DELROUTE) return route_object(env, message);
  return NULL;
}
