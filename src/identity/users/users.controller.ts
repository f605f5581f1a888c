import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { CreateUserDto, ListUsersQuery, UpdateUserDto } from './users.dto.js';
import { UsersService } from './users.service.js';
import { toUserView, UserView } from './users.view.js';

@ApiController('admin/users', 'Identity / Users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  /** Lists the users of the tenant, newest first. */
  @Get()
  @Operation({ id: 'listUsers', allow: 'user:read', returns: pageOf(UserView) })
  async list(@Query() query: ListUsersQuery): Promise<Page<UserView>> {
    return mapPage(await this.users.page(query, query), toUserView);
  }

  /** Creates a user. Administrators of the operator tenant may name another tenant. */
  @Post()
  @Operation({
    id: 'createUser',
    allow: 'user:write',
    returns: UserView,
    status: 201,
    problems: ['fresh_sign_in_required', 'email_taken', 'weak_password', 'not_found', 'plan_limit_reached'],
    idempotency: 'outside',
  })
  create(@Body() body: CreateUserDto): Promise<UserView> {
    return this.users.create(body);
  }

  /** Reads a user. */
  @Get(':id')
  @Operation({ id: 'getUser', allow: 'user:read', returns: UserView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<UserView> {
    return toUserView(await this.users.get(id));
  }

  /**
   * Changes a user. A new role, and a disabled account, hold from the next request on, in every process. Making somebody an
   * administrator takes a person who signed in within the last five minutes.
   */
  @Patch(':id')
  @Operation({ id: 'updateUser', allow: 'user:write', returns: UserView, problems: ['fresh_sign_in_required', 'not_found', 'last_admin', 'conflict', 'precondition_failed', 'plan_limit_reached'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateUserDto): Promise<UserView> {
    return toUserView(await this.users.update(id, body));
  }

  /** Deactivates a user. Sessions and API keys stop at once; the account stays, for the record. */
  @Delete(':id')
  @Operation({
    id: 'deactivateUser',
    allow: 'user:write',
    returns: NO_CONTENT,
    problems: ['not_found', 'last_admin', 'conflict', 'precondition_failed'],
  })
  async deactivate(@Param('id', Uuid) id: string): Promise<void> {
    await this.users.deactivate(id);
  }
}
